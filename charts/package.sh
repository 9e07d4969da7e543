#!/usr/bin/env bash
# package.sh DIR: lints the charts and packs them into DIR as NAME-VERSION.tgz. HELM names another helm than the pinned one.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?usage: charts/package.sh DIR}
export HELM=${HELM:-$(.venv/bin/python -m aviary_cluster tool helm)}

charts/sync-crds.sh --check
charts/lint.sh
mkdir -p "$target"
"$HELM" package --destination "$target" charts/aviary-crds charts/aviary
