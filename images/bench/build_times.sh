#!/usr/bin/env bash
# build_times.sh [bot|operator|services]...: how long builds take and whether they repeat, in a copy of the sources and from
# an empty cache of its own. Prints a table: cold (nothing cached), nothing changed, code changed, cold again (only the base
# kept), and the digests of the two cold builds. For buildah; minutes long; a benchmark, not a test. Wall seconds depend on
# what else the machine does, CPU seconds hardly.
# shellcheck source-path=SCRIPTDIR/../..
set -euo pipefail
cd "$(dirname "$0")/../.."
. images/inputs.sh
AVIARY_PYTHON=$(find_python "$PWD")
work=$(mktemp -d "${XDG_CACHE_HOME:-$HOME/.cache}/aviary-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
export AVIARY_PYTHON AVIARY_IMAGE_ENGINE=buildah XDG_CACHE_HOME=$work/cache
mkdir "$work/cache" "$work/sources"
tar --exclude=__pycache__ -cf - images requirements {crds,operator,services,controllers,controllers/fillsim}/src \
  {operator,services,controllers}/pyproject.toml | tar -xf - -C "$work/sources"
cd "$work/sources"
cache=$XDG_CACHE_HOME/aviary/images
TIMEFORMAT='%R %U %S'

# measure WHAT ARGUMENT...: one row; what build.sh prints goes to $built.
measure() {
  local what=$1 figures
  shift
  figures=$( { time images/build.sh "$@" >"$work/built" 2>"$work/log"; } 2>&1 ) || {
    cat "$work/log" >&2
    exit 1
  }
  built=$(cat "$work/built")
  awk -v what="$what" '{ printf "%-34s %8.1f s wall %8.1f s CPU\n", what, $1, $2 + $3 }' <<<"$figures"
}

echo "$(nproc) cores, $(uname -sr), load $(cut -d' ' -f1 /proc/loadavg)"
measure "base, cold" base
for name in "${@:-operator}"; do
  measure "$name, cold, base there" "$name"
  first=$(cut -d' ' -f2 <<<"$built")
  measure "$name, nothing changed" "$name"
  echo "MARK = 1" >crds/src/aviary_crds/bench_marker.py
  measure "$name, one line of code changed" "$name"
  rm crds/src/aviary_crds/bench_marker.py
  # forget all but the base
  rm -rf "$cache"/*.tar "$cache"/*.digest "$cache/layout" "$cache/layers"
  # shellcheck disable=SC2016  # for the inner shell
  unshare --mount bash -c '. images/storage.sh; open_storage; drop_other_images "$1-deps" none' bench "$name"
  measure "$name, cold again" "$name"
  second=$(cut -d' ' -f2 <<<"$built")
  archive=$(cut -d' ' -f3 <<<"$built")
  echo "$name: archive $(($(stat -c %s "$archive") / 1000000)) MB, digests $first $second: $([ "$first" = "$second" ] && echo equal || echo DIFFERENT)"
done
