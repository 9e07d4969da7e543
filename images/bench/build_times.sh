#!/usr/bin/env bash
# build_times.sh [bot|operator|services]...: how long builds take and whether they repeat, from an empty cache of its own.
# Prints a table: cold (nothing cached), code change, nothing changed, cold again (only the base kept), the two digests.
# Minutes long; a benchmark, not a test. Wall seconds on a busy machine vary; CPU seconds hardly.
set -euo pipefail
cd "$(dirname "$0")/../.."
XDG_CACHE_HOME=$(mktemp -d "${XDG_CACHE_HOME:-$HOME/.cache}/aviary-bench.XXXXXX")
export XDG_CACHE_HOME
changed=crds/src/aviary_crds/bench_marker.py
trap 'rm -rf "$XDG_CACHE_HOME" "$changed"' EXIT
cache=$XDG_CACHE_HOME/aviary/images
TIMEFORMAT='%R %U %S'

# measure WHAT ARGUMENT...: one row; what build.sh prints goes to $built.
measure() {
  local what=$1 figures
  shift
  figures=$( { time images/build.sh "$@" >"$XDG_CACHE_HOME/built" 2>"$XDG_CACHE_HOME/log"; } 2>&1 ) || {
    cat "$XDG_CACHE_HOME/log" >&2
    exit 1
  }
  built=$(cat "$XDG_CACHE_HOME/built")
  awk -v what="$what" '{ printf "%-34s %8.1f s wall %8.1f s CPU\n", what, $1, $2 + $3 }' <<<"$figures"
}

echo "$(nproc) cores, $(uname -sr), load $(cut -d' ' -f1 /proc/loadavg)"
measure "base, cold" base
for name in "${@:-operator}"; do
  measure "$name, cold, base there" "$name"
  first=$(cut -d' ' -f2 <<<"$built")
  measure "$name, nothing changed" "$name"
  echo "MARK = $RANDOM" >"$changed"
  measure "$name, one line of code changed" "$name"
  rm -f "$changed"
  # forget all but the base
  rm -rf "$cache"/*.tar "$cache"/*.digest "$cache/layout" "$cache/layers"
  unshare --mount bash -c '. images/storage.sh; open_storage; drop_other_images "'"$name"'-deps" none'
  measure "$name, cold again" "$name"
  second=$(cut -d' ' -f2 <<<"$built")
  archive=$(cut -d' ' -f3 <<<"$built")
  echo "$name: archive $(($(stat -c %s "$archive") / 1000000)) MB, digests $first $second: $([ "$first" = "$second" ] && echo equal || echo DIFFERENT)"
done
