{{/*
What the operator may do where its bots live. It never writes a spec, makes no approval, reads no Secret, and deletes
nothing but pods and the Jobs of gates: a bot's keys are mounted by reference, its children go with it by their
ownerReferences.
*/}}
{{- define "aviary.operator.rules" -}}
- apiGroups: [aviary.trading]
  resources: [tradingbots, tradingdesks, promotiongates, promotionapprovals]
  verbs: [get, list, watch]
- apiGroups: [aviary.trading]
  resources: [tradingbots/status, tradingdesks/status, promotiongates/status, promotionapprovals/status]
  verbs: [patch]
# blockOwnerDeletion on a bot's children and a gate's Jobs, where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [aviary.trading]
  resources: [tradingbots/finalizers, promotiongates/finalizers]
  verbs: [update]
# A bot's children. update takes out fields that a stranger put in; server-side apply alone would leave them.
- apiGroups: [""]
  resources: [serviceaccounts, configmaps, persistentvolumeclaims, services]
  verbs: [get, list, watch, create, patch, update]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, update]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, update]
# delete: the controlled restart of a bot. Pods are made by the StatefulSet.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
# Checks whose source is a Job. What it found is read from its pod.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}

{{/* The peer that may read metrics, from a label written key=value. */}}
{{- define "aviary.metricsPeer" -}}
{{- $label := splitn "=" 2 .Values.networkPolicy.metricsNamespaceLabel -}}
- namespaceSelector:
    matchLabels:
      {{ $label._0 }}: {{ $label._1 | quote }}
{{- end }}
