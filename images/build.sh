#!/usr/bin/env bash
# build.sh [--print|--digest] [bot|operator|services|prometheus|base|test|all]...: builds what has changed; says nothing new
# otherwise.
#   (none)    one line per image on standard output: reference, manifest digest, archive
#   --print   only the path of the archive for the sources as they are now; fails when it has not been built
#   --digest  likewise, only the digest of its manifest
# `all` is bot, operator and services. `prometheus` is for clusters that have none; `test` the bot image's packages with
# pytest, for run-bot-tests.sh; `base` what the images stand on where there is no Docker.
# AVIARY_IMAGE_ENGINE=auto|docker|buildah; auto takes Docker where it answers, else buildah (Linux, root).
# BASE: the base image for Docker; pin it by digest where you publish: BASE=python:3.12-slim-trixie@sha256:...
# shellcheck source-path=SCRIPTDIR/..
set -euo pipefail
umask 022 # modes of files made here end in the images
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. images/storage.sh
. images/inputs.sh
. images/docker.sh

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# take_snapshot: copies all inputs to a folder of their own and goes there, so that a source that changes during the build
# cannot end up in an archive named after its older self.
take_snapshot() {
  snapshot=$(mktemp -d)
  tar --exclude=__pycache__ --exclude='images/tests' -cf - images requirements {crds,operator,services,controllers,controllers/fillsim}/src \
    {operator,services,controllers}/pyproject.toml | tar -xf - -C "$snapshot"
  cd "$snapshot"
}

tidy() {
  [ -z "${secrets:-}" ] || rm -rf "$secrets"
  cd "$root"
  rm -rf "${snapshot:-}"
}

# settle_inputs: the hashes that name everything below; needs the engine, as the two have different bases.
settle_inputs() {
  engine=$(find_engine)
  python=$(find_python "$root")
  if [ "$engine" = buildah ]; then
    base_key=$(hash_of_base "$python")
    base=aviary.local/base:$base_key
  else
    base=${BASE:-python:3.12-slim-trixie}
    base_key=$base
  fi
}

archive_of() { echo "$cache/$1-$(image_key "$1" "$base_key").tar"; }

build_base() {
  [ "$engine" = buildah ] || return 0
  ! image_exists "$base" || return 0
  local work=$cache/base.partial
  rm -rf "$work"
  mkdir -p "$work"
  step "base: Debian files" images/base/debian.sh "$work/rootfs.tar"
  step "base: Python $("$python" -c 'import platform; print(platform.python_version())')" images/base/python.sh "$python" "$work/python.tar"
  step "base: image" buildah bud --quiet --layers=false --pull-never --timestamp "$SOURCE_DATE_EPOCH" \
    --signature-policy "$cache/policy.json" -t "$base" -f images/base/Containerfile "$work"
  rm -rf "$work"
  drop_other_images base "$base_key"
}

# build_deps NAME: everything an image holds but our own code.
build_deps() {
  local name=$1 key arguments=("BASE=$base") what="packages of requirements/$1.txt"
  key=$(deps_key "$name" "$base_key")
  ! image_exists "aviary.local/$name-deps:$key" || return 0
  build_base
  open_secrets "$python"
  if [ "$name" = prometheus ]; then
    fetch_prometheus "aviary.local/prometheus-package:$key"
    arguments+=("PACKAGE=aviary.local/prometheus-package:$key")
    what="Debian's package"
  fi
  step "$name: $what" bud "$name" deps "aviary.local/$name-deps:$key" "${arguments[@]}"
  drop_other_images "$name-deps" "$key"
  drop_other_images "$name-package" none
}

# fetch_prometheus IMAGE: Debian's package as an image, for the Containerfile to take it from.
fetch_prometheus() {
  local work=$cache/package.partial
  rm -rf "$work"
  mkdir -p "$work"
  step "prometheus: fetching Debian's package" images/prometheus/package.sh "$work"
  printf 'FROM scratch\nCOPY prometheus.deb /package/\n' >"$work/Containerfile"
  step "prometheus: package" buildah bud --quiet --layers=false --signature-policy "$cache/policy.json" -t "$1" "$work"
  rm -rf "$work"
}

# target_of NAME: which file and which stage of it make the image: "PART STAGE".
target_of() {
  if [ "$1" = test ]; then echo bot test; else echo "$1 $1"; fi
}

# build_image NAME: the archive, its digest beside it.
build_image() {
  local name=$1 part stage archive reference key
  archive=$(archive_of "$name")
  reference=$(reference_of "$name")
  read -r part stage <<<"$(target_of "$name")"
  if [ "$engine" = docker ]; then
    open_secrets "$python"
    step "$name: image (Docker)" docker_build "$part" "$stage" "$reference" "BASE=$base" "VERSION=$(version_of "$part")"
    step "$name: archive" docker_save "$reference" "$archive"
  else
    build_deps "$part"
    [ "$name" != test ] || open_secrets "$python"
    key=$(image_key "$name" "$base_key")
    step "$name: last layer" bud "$part" "$stage" "aviary.local/$name:$key" "BASE=$base" "VERSION=$(version_of "$part")" \
      "DEPS=aviary.local/$part-deps:$(deps_key "$part" "$base_key")"
    step "$name: archive" export_archive "$python" "$name" "$key" "$reference" "$archive"
  fi
  drop_old_archives "$name"
}

# is_built NAME: told without opening any storage; of the base only the storage knows.
is_built() {
  local archive
  [ "$1" != base ] || return 1
  archive=$(archive_of "$1")
  [ -s "$archive" ] && [ -s "${archive%.tar}.digest" ]
}

# describe FORMAT NAME: the answer of --print and --digest, and the closing line of a build.
describe() {
  local archive
  archive=$(archive_of "$2")
  is_built "$2" || fail "the image '$2' has not been built from these sources: run images/build.sh $2"
  case $1 in
    print) echo "$archive" ;;
    digest) cat "${archive%.tar}.digest" ;;
    *) printf '%s %s %s\n' "$(reference_of "$2")" "$(cat "${archive%.tar}.digest")" "$archive" ;;
  esac
}

main() {
  local format=both what wanted=() missing=()
  case ${1:-} in
    --print | --digest)
      format=${1#--}
      shift
      ;;
  esac
  for what in "${@:-all}"; do
    case $what in
      all) wanted+=(bot operator services) ;;
      bot | operator | services | prometheus | base | test) wanted+=("$what") ;;
      *) fail "there is no image '$what'; there are bot, operator, services, prometheus, base, test and all" ;;
    esac
  done
  trap tidy EXIT
  take_snapshot
  settle_inputs

  for what in "${wanted[@]}"; do
    is_built "$what" || missing+=("$what")
  done
  if [ "$format" = both ] && [ ${#missing[@]} -gt 0 ]; then
    if [ "$engine" = buildah ] && [ -z "${AVIARY_IMAGES_UNSHARED:-}" ]; then
      images/prerequisites.sh
      # a mount namespace of its own: whatever happens, no mount of the storage stays behind
      tidy
      AVIARY_IMAGES_UNSHARED=1 AVIARY_IMAGE_ENGINE=buildah exec unshare --mount images/build.sh "$@"
    fi
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    if ! flock --nonblock 9; then
      echo "waiting for another build of images to end" >&2
      flock 9
    fi
    [ "$engine" = docker ] || open_storage
    for what in "${missing[@]}"; do
      case $what in
        base) build_base ;;
        *) build_image "$what" ;;
      esac
    done
  fi
  for what in "${wanted[@]}"; do
    case $what in
      base) ;;
      *) describe "$format" "$what" ;;
    esac
  done
}

main "$@"
exit
