{{- define "faaskeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Of every object; short enough for the longest suffix within 63 characters. */}}
{{- define "faaskeeper.fullname" -}}
{{- $name := include "faaskeeper.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* (list . component) */}}
{{- define "faaskeeper.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "faaskeeper.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* (list . component) */}}
{{- define "faaskeeper.labels" -}}
{{- $root := index . 0 -}}
{{ include "faaskeeper.selector" . }}
app.kubernetes.io/part-of: faaskeeper
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "faaskeeper.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "faaskeeper.fullname" $root }}-{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "faaskeeper.labels" . | nindent 2 }}
{{- end }}

{{/* (list . component): labels of its pods */}}
{{- define "faaskeeper.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "faaskeeper.labels" . | nindent 2 }}
  {{- with $root.Values.commonLabels }}{{ toYaml . | nindent 2 }}{{ end }}
{{- with $root.Values.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "faaskeeper.imageOf" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "faaskeeper.image" -}}
{{- include "faaskeeper.imageOf" (merge (dict "tag" (default .Chart.AppVersion .Values.image.tag)) .Values.image) }}
{{- end }}

{{- define "faaskeeper.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "faaskeeper.credentials" -}}
{{- include "faaskeeper.fullname" . }}-credentials
{{- end }}

{{- define "faaskeeper.serviceAddress" -}}
{{- $root := index . 0 -}}
{{ include "faaskeeper.fullname" $root }}-{{ index . 1 }}.{{ $root.Release.Namespace }}.svc.{{ $root.Values.clusterDomain }}
{{- end }}

{{- define "faaskeeper.natsUrl" -}}
{{- if .Values.nats.bundled.enabled }}nats://{{ include "faaskeeper.serviceAddress" (list . "nats") }}:4222
{{- else }}{{ required "nats.url is needed where nats.bundled.enabled is false" .Values.nats.url }}
{{- end }}
{{- end }}

{{- define "faaskeeper.natsSecret" -}}
{{- if .Values.nats.bundled.enabled }}{{ include "faaskeeper.credentials" . }}
{{- else }}{{ required "nats.secretName is needed where nats.bundled.enabled is false" .Values.nats.secretName }}
{{- end }}
{{- end }}

{{- define "faaskeeper.redisSecret" -}}
{{- if .Values.redis.bundled.enabled }}{{ include "faaskeeper.credentials" . }}
{{- else }}{{ required "redis.secretName is needed where redis.bundled.enabled is false" .Values.redis.secretName }}
{{- end }}
{{- end }}

{{- define "faaskeeper.s3Secret" -}}
{{- if .Values.s3.bundled.enabled }}{{ include "faaskeeper.credentials" . }}
{{- else }}{{ required "s3.secretName is needed where s3.bundled.enabled is false" .Values.s3.secretName }}
{{- end }}
{{- end }}

{{- define "faaskeeper.s3Endpoint" -}}
{{- if .Values.s3.bundled.enabled }}http://{{ include "faaskeeper.serviceAddress" (list . .Values.s3.bundled.program) }}:9000
{{- else }}{{ required "s3.endpoint is needed where s3.bundled.enabled is false" .Values.s3.endpoint }}
{{- end }}
{{- end }}

{{- define "faaskeeper.s3CredentialsMode" -}}
{{- if .Values.s3.credentialsMode }}{{ .Values.s3.credentialsMode }}
{{- else if and .Values.s3.bundled.enabled (eq .Values.s3.bundled.program "versitygw") }}versitygw
{{- else }}sts
{{- end }}
{{- end }}

{{- define "faaskeeper.functionUrl" -}}
http://{{ include "faaskeeper.serviceAddress" . }}
{{- end }}

{{/* Pod Security "restricted", for a pod. */}}
{{- define "faaskeeper.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* ... and for a container; a function's says all, since Knative takes no security of the pod. */}}
{{- define "faaskeeper.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What every program is told of NATS, Redis and S3, and of the certificates and proxies on the way. */}}
{{- define "faaskeeper.env" -}}
{{- $s3 := include "faaskeeper.s3Secret" . -}}
- {name: FAASKEEPER_HOST, value: {{ .Values.listenAddress | quote }}}
- {name: FAASKEEPER_LOG_LEVEL, value: {{ .Values.logLevel }}}
- name: FAASKEEPER_FUNCTION_TOKEN
  valueFrom: {secretKeyRef: {name: {{ include "faaskeeper.credentials" . }}, key: function-token}}
- {name: FAASKEEPER_NATS_URL, value: {{ include "faaskeeper.natsUrl" . | quote }}}
- {name: FAASKEEPER_NATS_CREDS, value: /etc/faaskeeper/nats/nats-system.creds}
- name: FAASKEEPER_REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ include "faaskeeper.redisSecret" . | quote }}, key: redis-url}}
- {name: FAASKEEPER_S3_ENDPOINT, value: {{ include "faaskeeper.s3Endpoint" . | quote }}}
- {name: FAASKEEPER_S3_REGION, value: {{ .Values.s3.region | quote }}}
- {name: FAASKEEPER_S3_BUCKET, value: {{ .Values.s3.bucket | quote }}}
- name: FAASKEEPER_S3_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ $s3 | quote }}, key: s3-access-key-id}}
- name: FAASKEEPER_S3_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ $s3 | quote }}, key: s3-secret-access-key}}
{{ with .Values.telemetry.otlpEndpoint -}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ $.Values.telemetry.sampleRatio | quote }}}
{{ end -}}
{{ include "faaskeeper.outsideEnv" . }}
{{- end }}

{{/* Certificates and proxies, for the programs that need no store, too. */}}
{{- define "faaskeeper.outsideEnv" -}}
{{- if or .Values.caBundle.secretName .Values.caBundle.configMapName -}}
- {name: NODE_EXTRA_CA_CERTS, value: {{ printf "/etc/faaskeeper/ca/%s" .Values.caBundle.key | quote }}}
{{ end -}}
{{- if or .Values.proxy.http .Values.proxy.https -}}
- {name: NODE_USE_ENV_PROXY, value: "1"}
- {name: HTTP_PROXY, value: {{ .Values.proxy.http | quote }}}
- {name: HTTPS_PROXY, value: {{ default .Values.proxy.http .Values.proxy.https | quote }}}
- {name: NO_PROXY, value: {{ printf "localhost,127.0.0.1,.svc,.%s,$(KUBERNETES_SERVICE_HOST)%s" .Values.clusterDomain (.Values.proxy.none | empty | ternary "" (printf ",%s" .Values.proxy.none)) | quote }}}
{{- end }}
{{- end }}

{{- define "faaskeeper.mounts" -}}
- {name: nats, mountPath: /etc/faaskeeper/nats, readOnly: true}
{{- if or .Values.caBundle.secretName .Values.caBundle.configMapName }}
- {name: ca, mountPath: /etc/faaskeeper/ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "faaskeeper.volumes" -}}
- name: nats
  secret:
    secretName: {{ include "faaskeeper.natsSecret" . | quote }}
    items: [{key: nats-system.creds, path: nats-system.creds}]
{{- include "faaskeeper.caVolume" . }}
{{- end }}

{{- define "faaskeeper.caVolume" -}}
{{- if .Values.caBundle.secretName }}
- name: ca
  secret: {secretName: {{ .Values.caBundle.secretName | quote }}, items: [{key: {{ .Values.caBundle.key | quote }}, path: {{ .Values.caBundle.key | quote }}}]}
{{- else if .Values.caBundle.configMapName }}
- name: ca
  configMap: {name: {{ .Values.caBundle.configMapName | quote }}, items: [{key: {{ .Values.caBundle.key | quote }}, path: {{ .Values.caBundle.key | quote }}}]}
{{- end }}
{{- end }}

{{/* (list . component values): where pods run */}}
{{- define "faaskeeper.placement" -}}
{{- $root := index . 0 }}
{{- $values := index . 2 }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (list . component values): replicas apart from each other, where the cluster has room for that */}}
{{- define "faaskeeper.spread" -}}
{{- $root := index . 0 }}
{{- $values := index . 2 -}}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "faaskeeper.selector" (list $root (index $ 1)) | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "faaskeeper.families" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end }}

{{/* Of a program's HTTP port. */}}
{{- define "faaskeeper.probes" -}}
startupProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /health/ready, port: http}
  periodSeconds: 5
  timeoutSeconds: 3
{{- end }}
