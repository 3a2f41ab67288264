{{/* The controller's Pod, the same for a Deployment, a StatefulSet and the Jobs of a CronJob. */}}
{{- define "reconciler.pod" -}}
metadata:
  labels:
    {{- include "reconciler.controllerSelector" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    # Settings are read at start: others need new Pods.
    checksum/settings: {{ include "reconciler.settings" . | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "reconciler.serviceAccount" . }}
  automountServiceAccountToken: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    {{- with .Values.runAsUser }}
    runAsUser: {{ int . }}
    runAsGroup: {{ int . }}
    fsGroup: {{ int . }}
    {{- end }}
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if not (include "reconciler.runs" .) }}
  restartPolicy: Never
  {{- end }}
  containers:
    - name: reconciler
      image: {{ include "reconciler.image" (dict "image" .Values.image "tag" .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [{{ if include "reconciler.runs" . }}run{{ else }}sync{{ end }}, --config, /etc/reconciler/settings.yaml]
      {{- if include "reconciler.speaks" . }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef: {fieldPath: metadata.name}
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef: {fieldPath: metadata.namespace}
      {{- end }}
      {{- if include "reconciler.runs" . }}
      ports:
        - {name: xds, containerPort: 18000}
        - {name: web, containerPort: 8081}
        {{- if include "reconciler.pages" . }}
        - {name: pages, containerPort: 8082}
        {{- end }}
      livenessProbe:
        httpGet: {path: /healthz, port: web}
        periodSeconds: 10
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: web}
        periodSeconds: 5
      startupProbe:
        httpGet: {path: /healthz, port: web}
        periodSeconds: 2
        failureThreshold: 60
      {{- end }}
      resources: {{ toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: settings, mountPath: /etc/reconciler, readOnly: true}
        - {name: state, mountPath: /var/lib/reconciler}
        - {name: tmp, mountPath: /tmp}
        {{- if or .Values.git.tokenSecret .Values.git.sshSecret }}
        - {name: git, mountPath: /etc/reconciler-git, readOnly: true}
        {{- end }}
        {{- if .Values.journal.urlSecret }}
        - {name: journal, mountPath: /etc/reconciler-journal, readOnly: true}
        {{- end }}
        {{- if .Values.journal.keySecret }}
        - {name: journal-key, mountPath: /etc/reconciler-journal-key, readOnly: true}
        {{- end }}
        {{- if .Values.git.caConfigMap }}
        - {name: git-ca, mountPath: /etc/reconciler-git-ca, readOnly: true}
        {{- end }}
        {{- if include "reconciler.tls" . }}
        - {name: xds-tls, mountPath: /etc/reconciler-xds, readOnly: true}
        {{- end }}
        {{- if include "reconciler.pages" . }}
        - {name: pages, mountPath: /etc/reconciler-pages, readOnly: true}
        {{- end }}
        {{- if include "reconciler.speaks" . }}
        - {name: api, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
        {{- end }}
  volumes:
    - name: settings
      configMap: {name: {{ include "reconciler.fullname" . }}}
    - name: tmp
      emptyDir: {}
    {{- if eq .Values.state.kind "emptyDir" }}
    - name: state
      emptyDir:
        sizeLimit: {{ .Values.state.size }}
    {{- else if not (include "reconciler.stateful" .) }}
    - name: state
      persistentVolumeClaim: {claimName: {{ .Values.state.existingClaim | default (printf "%s-state" (include "reconciler.fullname" .)) }}}
    {{- end }}
    {{- with .Values.git.tokenSecret | default .Values.git.sshSecret }}
    - name: git
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    {{- with .Values.journal.urlSecret }}
    - name: journal
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    {{- with .Values.journal.keySecret }}
    - name: journal-key
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    {{- with .Values.git.caConfigMap }}
    - name: git-ca
      configMap: {name: {{ . }}}
    {{- end }}
    {{- if include "reconciler.tls" . }}
    - name: xds-tls
      secret: {secretName: {{ include "reconciler.serverSecret" . }}, defaultMode: 0440}
    {{- end }}
    {{- if include "reconciler.pages" . }}
    - name: pages
      secret: {secretName: {{ .Values.pages.accessSecret }}, defaultMode: 0440}
    {{- end }}
    {{- if include "reconciler.speaks" . }}
    # What the kubelet would mount by itself, but with a token of an hour.
    - name: api
      projected:
        defaultMode: 0440
        sources:
          - serviceAccountToken: {path: token, expirationSeconds: 3600}
          - configMap:
              name: kube-root-ca.crt
              items: [{key: ca.crt, path: ca.crt}]
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef: {fieldPath: metadata.namespace}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- if and (include "reconciler.runs" .) .Values.topologySpread }}
  {{- include "reconciler.spread" (include "reconciler.controllerSelector" .) | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Over nodes and zones, as far as there are any. */}}
{{- define "reconciler.spread" -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ $ | nindent 8 }}
  {{- end }}
{{- end }}
