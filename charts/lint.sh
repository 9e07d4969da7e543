#!/usr/bin/env bash
# Checks the charts: helm lint, and a rendering of each with its defaults and with every value set in ci/.
# HELM names another helm than the pinned one.
set -euo pipefail
cd "$(dirname "$0")/.."
HELM=${HELM:-$(.venv/bin/python -m aviary_cluster tool helm)}
kube_version=1.34.0 # a helm built from source does not know a version of its own

for chart in charts/aviary-crds charts/aviary; do
  for values in "$chart/values.yaml" "$chart"/ci/*.yaml; do
    [ -e "$values" ] || continue
    "$HELM" lint --strict --quiet --kube-version "$kube_version" --values "$values" "$chart"
    "$HELM" template aviary "$chart" --kube-version "$kube_version" --values "$values" >/dev/null
  done
done
