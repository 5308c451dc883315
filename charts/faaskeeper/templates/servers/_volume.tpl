{{/* A server's data: a claim, or nothing that survives the pod. */}}
{{- define "faaskeeper.volumeClaim" }}
{{- if .persistence.enabled }}
persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .persistence.storageClassName }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ .persistence.size }}}}
{{- end }}
{{- end }}

{{- define "faaskeeper.noVolume" }}
{{- if not .persistence.enabled }}
- {name: data, emptyDir: {}}
{{- end }}
{{- end }}
