#!/usr/bin/env bash
# Writes the own strategy's source into the ConfigMap of its sample; with --check it only says whether it is in there.
# Apply the sample as it lies there; for a strategy of your own `kubectl create configmap` does the same.
set -euo pipefail
cd "$(dirname "$0")/samples"
source=own-strategy/volatility_quoter.py
sample=own-strategy.yaml

# between the key and the end of the ConfigMap's document
embedded() {
  awk -v source="$source" '
    /^  volatility_quoter\.py: \|$/ {
      print
      while ((getline line < source) > 0) print (line == "" ? "" : "    " line)
      skipping = 1
      next
    }
    /^---$/ { skipping = 0 }
    !skipping' "$sample"
}

case "${1:-}" in
  --check)
    if ! embedded | cmp --silent - "$sample"; then
      echo "manifests/samples/$sample does not hold manifests/samples/$source: run manifests/embed-strategy.sh" >&2
      exit 1
    fi
    ;;
  "")
    text=$(embedded)
    printf '%s\n' "$text" >"$sample"
    ;;
  *)
    echo "usage: manifests/embed-strategy.sh [--check]" >&2
    exit 2
    ;;
esac
