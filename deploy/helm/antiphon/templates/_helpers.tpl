{{/* The name of everything, at most 40 letters, so that a model's name fits behind it. */}}
{{- define "antiphon.name" -}}
{{- if contains "antiphon" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-antiphon" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "antiphon.selector" -}}
app.kubernetes.io/name: antiphon
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "antiphon.labels" -}}
{{ include "antiphon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The name of the vLLM of an upstream: (list $ "llama-3-8b"). */}}
{{- define "antiphon.vllm" -}}
{{- $root := index . 0 -}}
{{- $model := index . 1 | lower | replace "/" "-" | replace "." "-" | replace "_" "-" | replace ":" "-" -}}
{{- printf "%s-%s" (include "antiphon.name" $root) $model | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "antiphon.vllmSelector" -}}
app.kubernetes.io/name: vllm
app.kubernetes.io/instance: {{ index . 0 }}
antiphon/upstream: {{ index . 1 }}
{{- end -}}

{{/* config.toml. A JSON text is a TOML text, too. */}}
{{- define "antiphon.config" -}}
[serve]
host = "0.0.0.0"
port = 4000
max_in_flight = {{ .Values.serve.maxInFlight }}
max_body_mib = {{ .Values.serve.maxBodyMib }}
drain_seconds = {{ .Values.serve.drainSeconds }}
{{ range .Values.keys }}
[[serve.keys]]
name = {{ .name | toJson }}
key_sha256 = {{ .sha256 | toJson }}
{{- with .models }}
models = {{ . | toJson }}
{{- end }}
{{- with .requestsPerMinute }}
requests_per_minute = {{ . }}
{{- end }}
{{ end }}
{{- with .Values.aliases }}
[aliases]
{{- range $name, $model := . }}
{{ $name | toJson }} = {{ $model | toJson }}
{{- end }}
{{ end }}
{{- range $upstream := .Values.upstreams }}
{{- $table := printf "upstreams.%s" ($upstream.name | toJson) }}
[{{ $table }}]
affinity = {{ $upstream.affinity | default "none" | toJson }}
{{- with $upstream.health | default (ternary "/health" "" (hasKey $upstream "vllm")) }}
health = {{ . | toJson }}
{{- end }}
wait_seconds = {{ $upstream.waitSeconds | default 0 }}
queue = {{ $upstream.queue | default 100 }}
{{ range $upstream.servers }}
[[{{ $table }}.servers]]
model = {{ .model | toJson }}
{{- with .baseUrl }}
base_url = {{ . | toJson }}
{{- end }}
{{- if hasKey . "weight" }}
weight = {{ .weight }}
{{- end }}
{{- with .name }}
name = {{ . | toJson }}
{{- end }}
{{- with .keyVariable }}
key_variable = {{ . | toJson }}
{{- end }}
{{ end }}
{{- with $upstream.vllm }}
{{- $vllm := include "antiphon.vllm" (list $ $upstream.name) }}
{{- $weight := 1 }}
{{- if hasKey . "weight" }}{{ $weight = .weight }}{{ end }}
{{- range $pod := until (int (.replicas | default 1)) }}
[[{{ $table }}.servers]]
model = {{ printf "vllm/%s" $upstream.vllm.model | toJson }}
base_url = {{ printf "http://%s-%d.%s.%s.svc:8000/v1" $vllm $pod $vllm $.Release.Namespace | toJson }}
weight = {{ $weight }}
name = {{ printf "%s-%d" $vllm $pod | toJson }}
{{ end }}
{{- end }}
{{- end }}
{{- with .Values.extraConfig }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "antiphon.check" -}}
{{- if not .Values.image.repository }}
{{- fail "image.repository: name an image whose entry point is the antiphon command" }}
{{- end }}
{{- if and (not .Values.existingConfigSecret) (not .Values.keys) }}
{{- fail "keys: give at least one (name, sha256): the pods can be reached from elsewhere" }}
{{- end }}
{{- if and .Values.persistence.enabled (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) }}
{{- fail "persistence: one pod uses the claim: set replicas to 1 and autoscaling.enabled to false" }}
{{- end }}
{{- end -}}
