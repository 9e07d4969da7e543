{{/*
What the operator may do where its bots live. No Secrets: a bot's keys are mounted by reference, the operator never
reads them. No roles, no pods to be made: a bot's pod is made by its StatefulSet.
*/}}
{{- define "aviary.operator.rules" -}}
- apiGroups: [aviary.trading]
  resources: [tradingbots, tradingdesks]
  verbs: [get, list, watch]
# patch on the object itself: the finalizer of a bot that has orders to close. spec is never written.
- apiGroups: [aviary.trading]
  resources: [tradingbots]
  verbs: [patch]
- apiGroups: [aviary.trading]
  resources: [tradingbots/finalizers]
  verbs: [update]
- apiGroups: [aviary.trading]
  resources: [tradingbots/status, tradingdesks/status]
  verbs: [get, patch, update]
- apiGroups: [""]
  resources: [serviceaccounts, configmaps, persistentvolumeclaims, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
# delete: the controlled restart of a bot.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
- apiGroups: ["", events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
