{{/* Labels of every object of this chart, then the user's own. */}}
{{- define "aviary-crds.labels" -}}
app.kubernetes.io/name: aviary-crds
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: aviary
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}
