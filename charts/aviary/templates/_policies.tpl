{{/* Name of a policy: (dict "root" $ "policy" "approvals"). It carries the namespace, as the operator's ClusterRole does. */}}
{{- define "aviary.policy.name" -}}
{{ .root.Release.Namespace }}-{{ include "aviary.fullname" .root }}-{{ .policy }}
{{- end }}

{{/* Who the operator is to the API server. */}}
{{- define "aviary.operator.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "aviary.operator.name" . }}
{{- end }}

{{/* Kind, metadata and the first line of a spec: (dict "root" $ "policy" "approvals"). */}}
{{- define "aviary.policy.head" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "aviary.policy.name" . }}
  labels:
    {{- include "aviary.labels" (dict "root" .root "component" "policies") | nindent 4 }}
{{- end }}

{{/* Where a policy holds: in the namespaces of this operator, so that two releases do not judge for each other. */}}
{{- define "aviary.policy.namespaces" -}}
{{- with .Values.operator.watchNamespaces }}
namespaceSelector:
  matchExpressions:
    - {key: kubernetes.io/metadata.name, operator: In, values: [{{ join ", " . }}]}
{{- end }}
{{- end }}

{{/* What puts a policy in force: (dict "root" $ "policy" "approvals"), and "paramRef" for one with parameters. */}}
{{- define "aviary.policy.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "aviary.policy.name" . }}
  labels:
    {{- include "aviary.labels" (dict "root" .root "component" "policies") | nindent 4 }}
spec:
  policyName: {{ include "aviary.policy.name" . }}
  validationActions: [Deny, Audit]
  {{- with .paramRef }}
  paramRef:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/*
CEL: the mode that the labels of `at` carry, such as object.spec.template; empty when there is none. Everything on the
way may be missing: an expression that fails would refuse what is not ours.
*/}}
{{- define "aviary.policy.modeAt" -}}
{{ . }}.?metadata.?labels[?'aviary.trading/mode'].orValue('')
{{- end }}
