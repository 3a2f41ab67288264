{{/* What is switched on. Each answers "true" or nothing. */}}

{{- define "reconciler.runs" -}}{{- if eq .Values.mode "controller" -}}true{{- end -}}{{- end }}

{{- define "reconciler.xds" -}}{{- include "reconciler.runs" . -}}{{- end }}

{{- define "reconciler.tls" -}}
{{- if and (include "reconciler.xds" .) (ne .Values.tls.source "off") -}}true{{- end -}}
{{- end }}

{{- define "reconciler.writesConfigMap" -}}
{{- if or .Values.configMap.enabled (eq .Values.mode "cronjob") -}}true{{- end -}}
{{- end }}

{{/* Whether it asks Envoys what they made of the ConfigMap. */}}
{{- define "reconciler.asksEnvoys" -}}
{{- if and (include "reconciler.writesConfigMap" .) .Values.configMap.ackSeconds -}}true{{- end -}}
{{- end }}

{{- define "reconciler.readsObjects" -}}
{{- if or .Values.sources.annotations .Values.sources.ingresses .Values.sources.customResources -}}true{{- end -}}
{{- end }}

{{- define "reconciler.elects" -}}
{{- if and (include "reconciler.runs" .) .Values.leaderElection.enabled -}}true{{- end -}}
{{- end }}

{{/* Whether others than the Pod itself can reach the pages. */}}
{{- define "reconciler.pages" -}}
{{- if and (include "reconciler.runs" .) .Values.pages.enabled .Values.pages.accessSecret -}}true{{- end -}}
{{- end }}

{{/*
Services of the pages, as a comma list. Each replica has a journal of its own, and numbers in it: where Pods have names
that stay, each has a Service, the first one without a number.
*/}}
{{- define "reconciler.pagesServices" -}}
{{- if include "reconciler.pages" . -}}
{{- $name := printf "%s-pages" (include "reconciler.fullname" .) -}}
{{- $name -}}
{{- if include "reconciler.stateful" . -}}
{{- range $number := untilStep 1 (int .Values.replicas) 1 -}},{{ $name }}-{{ $number }}{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "reconciler.writesStatus" -}}
{{- if and .Values.status .Values.sources.customResources -}}true{{- end -}}
{{- end }}

{{/* About what there could be Events. */}}
{{- define "reconciler.writesEvents" -}}
{{- if and .Values.events (or (include "reconciler.readsObjects" .) (include "reconciler.writesConfigMap" .) (ne .Values.repositoryObject.kind "none")) -}}true{{- end -}}
{{- end }}

{{/* Whether the controller speaks to the API server at all, and so needs a token. */}}
{{- define "reconciler.speaks" -}}
{{- if or (include "reconciler.readsObjects" .) (include "reconciler.writesConfigMap" .) (include "reconciler.elects" .) (ne .Values.repositoryObject.kind "none") (eq .Values.endpoints "kubernetes") (eq .Values.secrets "kubernetes") .Values.journal.anchorConfigMap -}}true{{- end -}}
{{- end }}

{{- define "reconciler.stateful" -}}
{{- if and (include "reconciler.runs" .) (eq .Values.state.kind "persistentVolumeClaim") (not .Values.state.existingClaim) -}}true{{- end -}}
{{- end }}

{{/* The schema of a journal in a database: one for each Pod only where each has a journal of its own anyway. */}}
{{- define "reconciler.journalSchema" -}}
{{- $own := or (include "reconciler.stateful" .) (and (include "reconciler.runs" .) (eq .Values.state.kind "emptyDir")) -}}
{{- .Values.journal.schema | default (ternary "{replica}" "reconciler" (not (empty $own))) -}}
{{- end }}

{{/*
Whether a Pod's name is that of its journal: where it stays, in a StatefulSet, and where the journal is gone with it.
Any other journal goes on under one name whatever Pod writes it.
*/}}
{{- define "reconciler.journalPerPod" -}}
{{- $lost := eq .Values.state.kind "emptyDir" -}}
{{- if .Values.journal.urlSecret -}}{{- $lost = contains "{replica}" (include "reconciler.journalSchema" .) -}}{{- end -}}
{{- if or (include "reconciler.stateful" .) $lost -}}true{{- end -}}
{{- end }}
