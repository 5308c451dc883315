{{/* What the operator alone is told. */}}
{{- define "faaskeeper.operatorEnv" -}}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: FAASKEEPER_NAMESPACE, value: {{ .Release.Namespace }}}
- {name: FAASKEEPER_RELEASE, value: {{ include "faaskeeper.fullname" . }}}
- {name: FAASKEEPER_CLUSTER_DOMAIN, value: {{ .Values.clusterDomain }}}
- {name: FAASKEEPER_NATS_CLIENT_URL, value: {{ default (include "faaskeeper.natsUrl" .) .Values.nats.clientUrl | quote }}}
{{- if eq .Values.nats.clientCredentials "static" }}
- {name: FAASKEEPER_NATS_STATIC_CREDS, value: /etc/faaskeeper/account/nats-client.creds}
{{- else }}
- name: FAASKEEPER_NATS_ACCOUNT
  valueFrom: {secretKeyRef: {name: {{ include "faaskeeper.natsSecret" . | quote }}, key: nats-account}}
- {name: FAASKEEPER_NATS_ACCOUNT_SEED, value: /etc/faaskeeper/account/nats-account-seed}
{{- end }}
- {name: FAASKEEPER_LOG_REPLICAS, value: {{ .Values.nats.logReplicas | int64 | quote }}}
{{- with .Values.redis.clientUrl }}
- {name: FAASKEEPER_REDIS_CLIENT_URL, value: {{ . | quote }}}
{{- end }}
- {name: FAASKEEPER_S3_CLIENT_ENDPOINT, value: {{ default (include "faaskeeper.s3Endpoint" .) .Values.s3.clientEndpoint | quote }}}
- {name: FAASKEEPER_S3_CREDENTIALS_MODE, value: {{ include "faaskeeper.s3CredentialsMode" . }}}
{{- with .Values.s3.stsEndpoint }}
- {name: FAASKEEPER_S3_STS_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with .Values.s3.adminEndpoint }}
- {name: FAASKEEPER_S3_ADMIN_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with .Values.s3.roleArn }}
- {name: FAASKEEPER_S3_ROLE_ARN, value: {{ . | quote }}}
{{- end }}
{{- if eq (include "faaskeeper.s3CredentialsMode" .) "static" }}
{{- $secret := required "s3.staticSecretName is needed where s3.credentialsMode is static" .Values.s3.staticSecretName }}
- name: FAASKEEPER_S3_STATIC_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ $secret | quote }}, key: s3-access-key-id}}
- name: FAASKEEPER_S3_STATIC_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret | quote }}, key: s3-secret-access-key}}
{{- end }}
- {name: FAASKEEPER_CREDENTIALS_LIFETIME, value: {{ .Values.operator.credentialsLifetime | int64 | quote }}}
{{- with .Values.service.ipFamilyPolicy }}
- {name: FAASKEEPER_IP_FAMILY_POLICY, value: {{ . }}}
{{- end }}
{{- with .Values.service.ipFamilies }}
- {name: FAASKEEPER_IP_FAMILIES, value: {{ join "," . | quote }}}
{{- end }}
- {name: FAASKEEPER_GATEWAY_PORTS, value: {{ .Values.operator.gatewayPorts | quote }}}
{{- end }}
