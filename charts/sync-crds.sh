#!/usr/bin/env bash
# Copies the generated CRDs into the chart aviary-crds; with --check it changes nothing and fails when they differ.
set -euo pipefail
cd "$(dirname "$0")/.."
from=crds/generated/crds
to=charts/aviary-crds/files

if ! compgen -G "$from/*.yaml" >/dev/null; then
  echo "charts/sync-crds.sh: no CRD in $from; run: make crds" >&2
  exit 1
fi
case "${1:-}" in
  --check)
    if ! diff --recursive --brief "$from" "$to" >&2; then
      echo "charts/sync-crds.sh: $to is not what $from holds; run: make crds, and commit what it changes" >&2
      exit 1
    fi
    ;;
  "")
    mkdir -p "$to"
    rm -f "$to"/*.yaml
    cp "$from"/*.yaml "$to"/
    ;;
  *)
    echo "usage: charts/sync-crds.sh [--check]" >&2
    exit 2
    ;;
esac
