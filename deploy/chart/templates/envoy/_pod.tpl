{{/* As `reconciler render --stage bootstrap` prints it; see files/. */}}
{{- define "reconciler.bootstrap" -}}
{{- if include "reconciler.tls" . -}}
{{ .Files.Get "files/envoy-xds-tls.yaml" | replace "XDS-HOST" (include "reconciler.xdsName" .) }}
{{- else if include "reconciler.xds" . -}}
{{ .Files.Get "files/envoy-xds.yaml" | replace "XDS-HOST" (include "reconciler.xdsName" .) }}
{{- else -}}
{{ .Files.Get "files/envoy-files.yaml" }}
{{- end -}}
{{- end }}

{{- define "reconciler.envoyPod" -}}
metadata:
  labels:
    {{- include "reconciler.envoySelector" . | nindent 4 }}
    {{- with .Values.envoy.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # Its own start is read once: another one needs new Pods.
    checksum/bootstrap: {{ include "reconciler.bootstrap" . | sha256sum }}
    {{- with .Values.envoy.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    {{- with .Values.envoy.runAsUser }}
    runAsUser: {{ int . }}
    runAsGroup: {{ int . }}
    fsGroup: {{ int . }}
    {{- end }}
    seccompProfile: {type: RuntimeDefault}
  terminationGracePeriodSeconds: {{ add (int .Values.envoy.drainSeconds) 10 }}
  {{- with .Values.envoy.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  containers:
    - name: envoy
      image: {{ include "reconciler.image" (dict "image" .Values.envoy.image "tag" "") | quote }}
      imagePullPolicy: {{ .Values.envoy.image.pullPolicy }}
      # The Pod's name tells the acknowledgements of the Envoys apart.
      args:
        - -c
        - /etc/envoy-bootstrap/envoy.yaml
        - --service-node
        - $(POD_NAMESPACE)/$(POD_NAME)
        - --service-cluster
        - {{ include "reconciler.envoyName" . }}
        - --disable-hot-restart
        - --log-level
        - {{ .Values.envoy.logLevel }}
        {{- with .Values.envoy.concurrency }}
        - --concurrency
        - {{ int . | quote }}
        {{- end }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef: {fieldPath: metadata.name}
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef: {fieldPath: metadata.namespace}
      ports:
        - {name: probes, containerPort: 8002}
        {{- range .Values.envoy.ports }}
        - name: {{ .name }}
          containerPort: {{ int .containerPort }}
          protocol: {{ .protocol | default "TCP" }}
          {{- with .hostPort }}
          hostPort: {{ int . }}
          {{- end }}
        {{- end }}
      # Ready when it has got its first configuration.
      readinessProbe:
        httpGet: {path: /ready, port: probes}
        periodSeconds: 3
        failureThreshold: 2
      lifecycle:
        preStop:
          {{- if .Values.envoy.drainByAdmin }}
          exec:
            command: [perl, /etc/envoy-bootstrap/drain.pl, /run/envoy/admin.sock, {{ int .Values.envoy.drainSeconds | quote }}]
          {{- else }}
          sleep: {seconds: {{ int .Values.envoy.drainSeconds }}}
          {{- end }}
      resources: {{ toYaml .Values.envoy.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: bootstrap, mountPath: /etc/envoy-bootstrap, readOnly: true}
        - {name: run, mountPath: /run/envoy}
        {{- if include "reconciler.tls" . }}
        - {name: xds-tls, mountPath: /run/reconciler-xds, readOnly: true}
        {{- end }}
        {{- if not (include "reconciler.xds" .) }}
        - {name: routes, mountPath: /etc/envoy/routes, readOnly: true}
        {{- end }}
        {{- range .Values.envoy.tlsSecrets }}
        - {name: secret-{{ . }}, mountPath: /etc/envoy/secrets/{{ $.Release.Namespace }}/{{ . }}, readOnly: true}
        {{- end }}
  volumes:
    - name: bootstrap
      configMap: {name: {{ include "reconciler.envoyName" . }}}
    # The admin interface, a socket for this Pod alone.
    - name: run
      emptyDir: {medium: Memory, sizeLimit: 1Mi}
    {{- if include "reconciler.tls" . }}
    - name: xds-tls
      secret: {secretName: {{ include "reconciler.clientSecret" . }}, defaultMode: 0440}
    {{- end }}
    {{- if not (include "reconciler.xds" .) }}
    # Envoys start when it exists: after the first reconcile.
    - name: routes
      configMap: {name: {{ include "reconciler.configMapName" . }}}
    {{- end }}
    {{- range .Values.envoy.tlsSecrets }}
    - name: secret-{{ . }}
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
  {{- with .Values.envoy.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.envoy.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.envoy.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- if and .Values.envoy.topologySpread (eq .Values.envoy.kind "Deployment") }}
  {{- include "reconciler.spread" (include "reconciler.envoySelector" .) | nindent 2 }}
  {{- end }}
{{- end }}
