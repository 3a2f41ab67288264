{{/* Names and labels. */}}

{{- define "reconciler.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* At most 48 characters, since endings are added. */}}
{{- define "reconciler.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else if contains (include "reconciler.name" .) .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "reconciler.name" .) | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "reconciler.selector" -}}
app.kubernetes.io/name: {{ include "reconciler.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "reconciler.labels" -}}
{{ include "reconciler.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "reconciler.controllerSelector" -}}
{{ include "reconciler.selector" . }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "reconciler.envoySelector" -}}
{{ include "reconciler.selector" . }}
app.kubernetes.io/component: envoy
{{- end }}

{{- define "reconciler.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "reconciler.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "reconciler.envoyName" -}}{{ include "reconciler.fullname" . }}-envoy{{- end }}
{{- define "reconciler.probesName" -}}{{ include "reconciler.envoyName" . }}-probes{{- end }}
{{- define "reconciler.caName" -}}{{ include "reconciler.fullname" . }}-xds-ca{{- end }}
{{- define "reconciler.xdsHost" -}}{{ include "reconciler.fullname" . }}-xds{{- end }}

{{/* What stands in certificates. With the namespace: releases of one name may share an issuer. */}}
{{- define "reconciler.xdsName" -}}{{ include "reconciler.xdsHost" . }}.{{ .Release.Namespace }}.svc{{- end }}
{{- define "reconciler.clientName" -}}{{ include "reconciler.envoyName" . }}.{{ .Release.Namespace }}.svc{{- end }}

{{- define "reconciler.serverSecret" -}}
{{- default (printf "%s-xds-server" (include "reconciler.fullname" .)) .Values.tls.serverSecret -}}
{{- end }}
{{- define "reconciler.clientSecret" -}}
{{- default (printf "%s-xds-client" (include "reconciler.fullname" .)) .Values.tls.clientSecret -}}
{{- end }}
{{- define "reconciler.configMapName" -}}
{{- default (printf "%s-routes" (include "reconciler.fullname" .)) .Values.configMap.name -}}
{{- end }}
{{- define "reconciler.configMapNamespace" -}}
{{- default .Release.Namespace .Values.configMap.namespace -}}
{{- end }}
{{- define "reconciler.leaseName" -}}
{{- default (include "reconciler.fullname" .) .Values.leaderElection.leaseName -}}
{{- end }}

{{/* image: a dict with repository, tag, digest; and what stands for an empty tag. */}}
{{- define "reconciler.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .tag }}
{{- end -}}
{{- end }}

{{/* Where the cluster's kinds are asked for: "true" where wanted, or where "auto" finds the API version. */}}
{{- define "reconciler.wanted" -}}
{{- $wanted := index . 1 | toString -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") ((index . 0).Capabilities.APIVersions.Has (index . 2))) -}}true{{- end -}}
{{- end }}

{{- define "reconciler.repositoryName" -}}
{{- default (printf "%s-repository" (include "reconciler.fullname" .)) .Values.repositoryObject.name -}}
{{- end }}
