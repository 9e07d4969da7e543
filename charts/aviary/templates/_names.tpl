{{/* First part of every object's name. */}}
{{- define "aviary.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "aviary.operator.name" -}}
{{ include "aviary.fullname" . }}-operator
{{- end }}

{{/* The Secret with the operator's key. The operator makes it: a chart that did would change it at every upgrade. */}}
{{- define "aviary.operator.controlSecret" -}}
{{ include "aviary.operator.name" . }}-control
{{- end }}

{{/* The claim that holds the evidence. */}}
{{- define "aviary.operator.evidenceClaim" -}}
{{ default (printf "%s-evidence" (include "aviary.operator.name" .)) .Values.gates.evidence.existingClaim }}
{{- end }}

{{- define "aviary.simVenue.name" -}}
{{ include "aviary.fullname" . }}-sim-venue
{{- end }}

{{/* Labels of an object: (dict "root" $ "component" "operator"). */}}
{{- define "aviary.labels" -}}
{{ include "aviary.selectorLabels" . }}
app.kubernetes.io/part-of: aviary
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Labels that never change, because a Deployment's selector cannot: (dict "root" $ "component" "operator"). */}}
{{- define "aviary.selectorLabels" -}}
app.kubernetes.io/name: aviary
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}
