#!/usr/bin/env bash
# Resolves requirements/*.in to hashed lock files. No index address is written: the user's own settings decide where
# packages come from. `make lock` runs it; commit what it changes.
set -euo pipefail
cd "$(dirname "$0")/../requirements"
UV=${UV:?the uv to use}
compile() {
  local name=$1
  shift
  echo "locking $name"
  "$UV" pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
    --python-version 3.12 --prerelease explicit "$@" -o "$name.txt" "$name.in"
}
for name in uv pip build; do compile "$name"; done
compile dev
# the images carry the very versions that were tested in the workspace
compile operator -c dev.txt
compile services -c dev.txt
compile bot --no-binary msgpack-python
compile bot-dev
