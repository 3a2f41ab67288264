{{/* Secrets of the release that no document may name, as a comma list of NAMESPACE/NAME. */}}
{{- define "reconciler.neverSecrets" -}}
{{- $names := compact (list .Values.git.tokenSecret .Values.git.sshSecret .Values.pages.accessSecret .Values.journal.urlSecret .Values.journal.keySecret) -}}
{{- if include "reconciler.tls" . -}}
{{- $names = append (append $names (include "reconciler.serverSecret" .)) (include "reconciler.clientSecret" .) -}}
{{- if and (eq .Values.tls.source "certManager") (not .Values.tls.issuerRef) -}}{{- $names = append $names (include "reconciler.caName" .) -}}{{- end -}}
{{- end -}}
{{- range $index, $name := $names -}}{{- if $index -}},{{- end -}}{{ $.Release.Namespace }}/{{ $name }}{{- end -}}
{{- end }}

{{/* Services of the release that nobody's requests go to: configuration, metrics. */}}
{{- define "reconciler.neverServices" -}}
{{- $names := list -}}
{{- if include "reconciler.runs" . -}}{{- $names = list (include "reconciler.xdsHost" .) (include "reconciler.fullname" .) -}}{{- end -}}
{{- $names = concat $names (compact (splitList "," (include "reconciler.pagesServices" .))) -}}
{{- if include "reconciler.asksEnvoys" . -}}{{- $names = append $names (include "reconciler.probesName" .) -}}{{- end -}}
{{- range $index, $name := $names -}}{{- if $index -}},{{- end -}}{{ $name }}.{{ $.Release.Namespace }}{{- end -}}
{{- end }}

{{/*
The controller's settings file: what the chart decides over what settings: says, and that over what is only the
chart's default. What never may be is added to, and nobody takes it away.
*/}}
{{- define "reconciler.settings" -}}
{{- $v := .Values -}}
{{- $targets := list -}}
{{- if include "reconciler.xds" . -}}{{- $targets = append $targets "xds" -}}{{- end -}}
{{- if include "reconciler.writesConfigMap" . -}}
{{- $targets = append $targets (printf "configmap:%s/%s" (include "reconciler.configMapNamespace" .) (include "reconciler.configMapName" .)) -}}
{{- end -}}
{{- $api := ternary "in-cluster" "off" (eq (include "reconciler.speaks" .) "true") -}}
{{- $own := dict "kubernetes" $api "target" $targets "state" "/var/lib/reconciler" -}}
{{- if $v.git.repo -}}
{{- $_ := set $own "repo" $v.git.repo -}}
{{- $_ := set $own "ref" $v.git.ref -}}
{{- end -}}
{{- range $setting, $on := dict "annotations" $v.sources.annotations "ingresses" $v.sources.ingresses "custom_resources" $v.sources.customResources -}}
{{- if $on -}}{{- $_ := set $own $setting true -}}{{- end -}}
{{- end -}}
{{- if include "reconciler.readsObjects" . -}}
{{- $_ := set $own "precedence" $v.sources.precedence -}}
{{- if $v.sources.labelSelector -}}{{- $_ := set $own "label_selector" $v.sources.labelSelector -}}{{- end -}}
{{- if $v.sources.ingresses -}}{{- $_ := set $own "ingress_class" $v.sources.ingressClass.name -}}{{- end -}}
{{- end -}}
{{- if eq $v.endpoints "kubernetes" -}}{{- $_ := set $own "endpoints" "kubernetes" -}}{{- end -}}
{{- if eq $v.secrets "kubernetes" -}}{{- $_ := set $own "secrets" "kubernetes" -}}{{- end -}}
{{- if $v.sources.namespaces -}}{{- $_ := set $own "namespaces" $v.sources.namespaces -}}{{- end -}}
{{- if $v.git.path -}}{{- $_ := set $own "path" $v.git.path -}}{{- end -}}
{{- if $v.git.tokenSecret -}}{{- $_ := set $own "git_token_file" "/etc/reconciler-git/token" -}}{{- end -}}
{{- if $v.git.sshSecret -}}
{{- $_ := set $own "ssh_key_file" "/etc/reconciler-git/ssh-privatekey" -}}
{{- $_ := set $own "known_hosts_file" "/etc/reconciler-git/known_hosts" -}}
{{- end -}}
{{- if $v.journal.urlSecret -}}
{{- $_ := set $own "journal_url_file" "/etc/reconciler-journal/url" -}}
{{- $_ := set $own "journal_schema" (include "reconciler.journalSchema" .) -}}
{{- end -}}
{{- if $v.journal.keySecret -}}{{- $_ := set $own "journal_key_file" "/etc/reconciler-journal-key/journal.key" -}}{{- end -}}
{{- if $v.journal.anchorConfigMap -}}
{{- $anchor := printf "configmap:%s/%s-checkpoints" .Release.Namespace (include "reconciler.fullname" .) -}}
{{- $_ := set $own "anchor" (append ($v.settings.anchor | default list) $anchor) -}}
{{- $journal := ternary "{replica}" "journal" (eq (include "reconciler.journalPerPod" .) "true") -}}
{{- $_ := set $own "journal_name" ($v.settings.journal_name | default (printf "%s.%s/%s" (include "reconciler.fullname" .) .Release.Namespace $journal)) -}}
{{- end -}}
{{- if $v.git.caConfigMap -}}{{- $_ := set $own "ca_file" "/etc/reconciler-git-ca/ca.crt" -}}{{- end -}}
{{- if include "reconciler.elects" . -}}
{{- $_ := set $own "leader_election" true -}}
{{- $_ := set $own "lease_name" (include "reconciler.leaseName" .) -}}
{{- $_ := set $own "lease_namespace" .Release.Namespace -}}
{{- end -}}
{{- if not $v.events -}}{{- $_ := set $own "events" false -}}{{- end -}}
{{- if not $v.status -}}{{- $_ := set $own "status" false -}}{{- end -}}
{{- if ne $v.repositoryObject.kind "none" -}}
{{- $object := printf "%s/%s" .Release.Namespace (include "reconciler.repositoryName" .) -}}
{{- $_ := set $own "repository_object" (ternary (printf "configmap:%s" $object) $object (eq $v.repositoryObject.kind "ConfigMap")) -}}
{{- end -}}
{{- if include "reconciler.speaks" . -}}{{- $_ := set $own "instance" (include "reconciler.fullname" .) -}}{{- end -}}
{{- if include "reconciler.asksEnvoys" . -}}
{{- $_ := set $own "envoy_admin" (list (printf "%s.%s.svc:8002" (include "reconciler.probesName" .) .Release.Namespace)) -}}
{{- $_ := set $own "ack_timeout" (printf "%ds" (int $v.configMap.ackSeconds)) -}}
{{- end -}}
{{- if include "reconciler.runs" . -}}
{{- $_ := set $own "web_address" "0.0.0.0:8081" -}}
{{- $_ := set $own "xds_address" "0.0.0.0:18000" -}}
{{- if not $v.pages.enabled -}}
{{- $_ := set $own "pages_address" "off" -}}
{{- else if $v.pages.accessSecret -}}
{{- $_ := set $own "pages_address" "0.0.0.0:8082" -}}
{{- $_ := set $own "pages_access_file" "/etc/reconciler-pages/access.yaml" -}}
{{- else -}}
{{- $_ := set $own "pages_address" "127.0.0.1:8082" -}}
{{- end -}}
{{- if include "reconciler.tls" . -}}
{{- $_ := set $own "xds_envoy_certs" "/run/reconciler-xds" -}}
{{- $_ := set $own "xds_cert_file" "/etc/reconciler-xds/tls.crt" -}}
{{- $_ := set $own "xds_key_file" "/etc/reconciler-xds/tls.key" -}}
{{- $_ := set $own "xds_client_ca_file" "/etc/reconciler-xds/ca.crt" -}}
{{- /* Others may have certificates of the same issuer. */ -}}
{{- $own_name := list (include "reconciler.clientName" .) -}}
{{- $_ := set $own "xds_client_name" (ternary (default $own_name $v.tls.clientNames) (concat $own_name $v.tls.clientNames) (eq $v.tls.source "secret")) -}}
{{- else -}}
{{- $_ := set $own "xds_insecure" true -}}
{{- end -}}
{{- else -}}
{{- $_ := set $own "web_address" "off" -}}
{{- end -}}
{{- range $setting, $names := dict "never_secrets" (include "reconciler.neverSecrets" .) "never_services" (include "reconciler.neverServices" .) -}}
{{- $never := concat (compact (splitList "," $names)) (index $v.settings $setting | default list) -}}
{{- if $never -}}{{- $_ := set $own $setting $never -}}{{- end -}}
{{- end -}}
{{- /* Where envoy.tlsSecrets are mounted, and nothing else of Envoy's Pod. */ -}}
{{- $default := dict "tls_files" (list "/etc/envoy/secrets") "loopback" false -}}
{{- toYaml (merge $own $v.settings $default) -}}
{{- end }}
