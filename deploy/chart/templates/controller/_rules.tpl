{{/* What the controller may do, feature by feature: exactly what it does. */}}

{{/* In the namespaces that are read. */}}
{{- define "reconciler.watchRules" -}}
{{- if or .Values.sources.annotations .Values.sources.ingresses (eq .Values.endpoints "kubernetes") }}
# They have annotations; and Ingresses and endpoints name their ports.
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
{{- end }}
{{- if or .Values.sources.annotations .Values.sources.ingresses }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
{{- end }}
{{- if .Values.sources.customResources }}
- apiGroups: [getambassador.io]
  resources: [{{ include "reconciler.getambassador" "" }}]
  verbs: [list, watch]
- apiGroups: [reconciler.dev]
  resources: [mappingpolicies]
  verbs: [list, watch]
{{- if .Values.status }}
- apiGroups: [getambassador.io]
  resources: [{{ include "reconciler.getambassador" "/status" }}]
  verbs: [patch]
- apiGroups: [reconciler.dev]
  resources: [mappingpolicies/status]
  verbs: [patch]
{{- end }}
{{- end }}
{{- if eq .Values.endpoints "kubernetes" }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- end }}
{{- if eq .Values.secrets "kubernetes" }}
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.rbac.secretNames }}
  resourceNames: {{ toYaml . | nindent 4 }}
  {{- end }}
  verbs: [list, watch]
{{- end }}
{{- if and .Values.events (include "reconciler.readsObjects" .) }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create{{ if include "reconciler.runs" . }}, patch{{ end }}]  # patch: what is said again
{{- end }}
{{- end }}

{{- define "reconciler.getambassador" -}}
{{- $ending := . -}}
{{- $kinds := list "authservices" "consulresolvers" "hosts" "kubernetesendpointresolvers" "kubernetesserviceresolvers" "listeners" "logservices" "mappings" "modules" "ratelimitservices" "tcpmappings" "tlscontexts" "tracingservices" -}}
{{- $named := list -}}
{{- range $kinds -}}{{- $named = append $named (printf "%s%s" . $ending) -}}{{- end -}}
{{- join ", " $named -}}
{{- end }}

{{/* In the release's namespace. */}}
{{- define "reconciler.ownRules" -}}
{{- if include "reconciler.elects" . }}
# What does not exist yet can't be named: create has no names.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "reconciler.leaseName" . }}]
  verbs: [get, update]
# What the leader tells the others of: which documents stand in for broken ones.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "reconciler.leaseName" . }}-standing]
  verbs: [get, update]
{{- end }}
{{- if .Values.journal.anchorConfigMap }}
# Signed checkpoints of the journal, which are read again before each new one.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "reconciler.fullname" . }}-checkpoints]
  verbs: [get, patch]
{{- end }}
{{- $object := .Values.repositoryObject }}
{{- $name := include "reconciler.repositoryName" . }}
{{- if ne $object.kind "none" }}
{{- $group := ternary "" "reconciler.dev" (eq $object.kind "ConfigMap") }}
{{- $resource := ternary "configmaps" "routingrepositories" (eq $object.kind "ConfigMap") }}
# How the whole stands, and what people wish of it.
- apiGroups: [{{ $group | quote }}]
  resources: [{{ $resource }}]
  verbs: [create]
- apiGroups: [{{ $group | quote }}]
  resources: [{{ $resource }}]
  resourceNames: [{{ $name }}]
  verbs: [list, watch, patch]
{{- if eq $object.kind "RoutingRepository" }}
- apiGroups: [reconciler.dev]
  resources: [routingrepositories/status]
  resourceNames: [{{ $name }}]
  verbs: [patch]
{{- end }}
{{- end }}
{{- if and .Values.events (ne $object.kind "none") }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create{{ if include "reconciler.runs" . }}, patch{{ end }}]  # patch: what is said again
{{- end }}
{{- end }}

{{/* In the namespace of the ConfigMap, of the one by its name. */}}
{{- define "reconciler.configMapRules" -}}
{{- if include "reconciler.writesConfigMap" . }}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "reconciler.configMapName" . }}]
  verbs: [get, create, patch{{ if include "reconciler.runs" . }}, list, watch{{ end }}]
{{- if .Values.events }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create{{ if include "reconciler.runs" . }}, patch{{ end }}]  # patch: what is said again
{{- end }}
{{- end }}
{{- end }}

{{/* A Role with a RoleBinding: root, name, namespace, rules. */}}
{{- define "reconciler.role" }}
{{- $root := index . 0 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ index . 1 }}
  namespace: {{ index . 2 }}
  labels: {{ include "reconciler.labels" $root | nindent 4 }}
rules: {{ index . 3 | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ index . 1 }}
  namespace: {{ index . 2 }}
  labels: {{ include "reconciler.labels" $root | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ index . 1 }}}
subjects:
  - {kind: ServiceAccount, name: {{ include "reconciler.serviceAccount" $root }}, namespace: {{ $root.Release.Namespace }}}
{{- end }}
