{{/* What no schema can say: values that contradict each other. Each sentence says what to do. */}}
{{- define "reconciler.checks" -}}
{{- $v := .Values -}}
{{- if not (or $v.git.repo (include "reconciler.readsObjects" .)) -}}
{{- fail "git.repo: expected the address of the repository with the Mappings, or something of sources, as in --set git.repo=https://git.example.com/team/routes.git" -}}
{{- end -}}
{{- if and $v.git.sshSecret $v.git.tokenSecret -}}
{{- fail "git.tokenSecret and git.sshSecret: a repository is read over https or over ssh; name one of them" -}}
{{- end -}}
{{- if and (include "reconciler.runs" .) (gt (int $v.replicas) 1) (not $v.leaderElection.enabled) -}}
{{- fail "leaderElection.enabled: several replicas need it, since one writes at a time; enable it or set replicas=1" -}}
{{- end -}}
{{- if and $v.state.existingClaim (include "reconciler.runs" .) (gt (int $v.replicas) 1) -}}
{{- fail "state.existingClaim: each replica has a state of its own; leave it empty, then each gets its own claim, or set replicas=1" -}}
{{- end -}}
{{- if and $v.state.existingClaim (ne $v.state.kind "persistentVolumeClaim") -}}
{{- fail "state.existingClaim: it goes with state.kind=persistentVolumeClaim" -}}
{{- end -}}
{{- if eq $v.tls.source "secret" -}}
{{- if or (not $v.tls.serverSecret) (and $v.envoy.enabled (not $v.tls.clientSecret)) -}}
{{- fail "tls.source=secret: name your Secrets with tls.serverSecret and tls.clientSecret" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $v.secrets "kubernetes") (or (eq $v.tls.source "off") (not (include "reconciler.xds" .))) -}}
{{- fail "secrets=kubernetes: keys go over xDS with TLS alone; set mode=controller and a tls.source other than off" -}}
{{- end -}}
{{- if and (eq $v.secrets "kubernetes") $v.rbac.create (not (or $v.rbac.secretNames $v.sources.namespaces $v.rbac.anySecret)) -}}
{{- fail "secrets=kubernetes: the controller could read every Secret of the cluster; name Secrets with rbac.secretNames or their namespaces with sources.namespaces, or allow it with rbac.anySecret=true" -}}
{{- end -}}
{{- if and (or (eq $v.secrets "kubernetes") (eq $v.endpoints "kubernetes")) (include "reconciler.writesConfigMap" .) -}}
{{- fail "endpoints=kubernetes, secrets=kubernetes: they go over xDS, and no ConfigMap can hold them; leave out configMap and mode=cronjob, or install a second release for those" -}}
{{- end -}}
{{- if and $v.sources.namespaces (eq $v.mode "controller") (not (or (include "reconciler.readsObjects" .) (eq $v.endpoints "kubernetes") (eq $v.secrets "kubernetes"))) -}}
{{- fail "sources.namespaces: nothing is read from namespaces; set sources.annotations, ingresses or customResources, endpoints=kubernetes or secrets=kubernetes" -}}
{{- end -}}
{{- if and $v.envoy.autoscaling.enabled (ne $v.envoy.kind "Deployment") -}}
{{- fail "envoy.autoscaling: a DaemonSet has one Pod on each node; it goes with envoy.kind=Deployment" -}}
{{- end -}}
{{- if and $v.journal.urlSecret (eq $v.state.kind "emptyDir") (not $v.journal.keySecret) (not (contains "{replica}" (include "reconciler.journalSchema" .))) -}}
{{- fail "journal.keySecret: the journal outlasts the Pod, and the key that signs it would be gone with state.kind=emptyDir; name a Secret with it, or set state.kind=persistentVolumeClaim" -}}
{{- end -}}
{{- end }}
