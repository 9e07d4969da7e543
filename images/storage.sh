# shellcheck shell=bash
# storage.sh: where images are built and kept. Sourced by build.sh.
# Everything lies under one private folder that may be deleted at any time:
#   storage/ run/   buildah's own images (base and the dependency image of each part)
#   layout/         OCI layout with the uncompressed layers of those images; what a later build has in common is found here
#   layers/         the same layers compressed once
#   unpacked/       layers as file trees, for run_image.py
#   NAME-HASH.tar   the archives, NAME-HASH.digest their manifest digests

# shellcheck disable=SC2034  # used where this is sourced
cache=${XDG_CACHE_HOME:-$HOME/.cache}/aviary/images
# One fixed time for every file and image, so that equal inputs give equal digests: 2026-01-01.
export SOURCE_DATE_EPOCH=1767225600

# step WHAT COMMAND...: runs COMMAND silently, says WHAT and how long it took; on failure shows what COMMAND said.
step() {
  local what=$1 started code log
  shift
  started=$(date +%s)
  log=$(mktemp)
  printf '==> %s\n' "$what" >&2
  # errexit is off inside anything that stands before ||, so COMMAND gets a shell that has it
  set +e
  (set -e && "$@") >"$log" 2>&1
  code=$?
  set -e
  if [ $code -ne 0 ]; then
    tail -n 60 "$log" >&2
    printf '<== %s: FAILED (exit %d) after %d s\n' "$what" "$code" "$(($(date +%s) - started))" >&2
  else
    printf '<== %s: %d s\n' "$what" "$(($(date +%s) - started))" >&2
  fi
  rm -f "$log"
  return $code
}

# open_storage: points buildah at the private storage, forgets working containers that a killed build left behind.
open_storage() {
  local driver=overlay
  mkdir -p "$cache/storage" "$cache/layers"
  case $(stat -f -c %T "$cache") in overlayfs | fuseblk | nfs) driver=vfs ;; esac # overlay cannot stand on these
  printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' "$driver" "$cache/storage" "$cache/run" >"$cache/storage.conf"
  printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' >"$cache/policy.json" # nothing is ever pulled
  printf '' >"$cache/registries.conf"
  export CONTAINERS_STORAGE_CONF=$cache/storage.conf CONTAINERS_REGISTRIES_CONF=$cache/registries.conf
  export BUILDAH_ISOLATION=chroot
  buildah rm --all >/dev/null 2>&1 || true
}

# bud NAME TARGET IMAGE [BUILD_ARG...]: one target of images/NAME/Containerfile with buildah, context the repository.
bud() {
  local name=$1 target=$2 image=$3 arguments=() argument
  shift 3
  for argument in "$@"; do arguments+=(--build-arg "$argument"); done
  for argument in settings ca uv_toml netrc; do
    [ -z "${secrets:-}" ] || arguments+=(--secret "id=$argument,src=$secrets/$argument")
  done
  # --layers=false: one layer per stage; what is worth keeping is kept as an image of its own (deps)
  buildah bud --quiet --layers=false --network host --pull-never --timestamp "$SOURCE_DATE_EPOCH" \
    --signature-policy "$cache/policy.json" --ignorefile "images/$name/Containerfile.dockerignore" \
    --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" "${arguments[@]}" --target "$target" -t "$image" \
    -f "images/$name/Containerfile" .
}

# image_exists IMAGE
image_exists() {
  buildah inspect --type image "$1" >/dev/null 2>&1
}

# drop_other_images NAME KEY: forgets images of that name with another key.
drop_other_images() {
  buildah images --format '{{.Name}}:{{.Tag}}' | grep "^aviary.local/$1:" | grep -v ":$2\$" | xargs -r buildah rmi --force >/dev/null || true
}

# into_layout NAME KEY: copies the image from buildah's storage; layers that are there already are not touched.
into_layout() {
  skopeo copy --quiet --policy "$cache/policy.json" --dest-oci-accept-uncompressed-layers \
    "containers-storage:aviary.local/$1:$2" "oci:$cache/layout:$1-$2"
  buildah rmi --force "aviary.local/$1:$2" >/dev/null # the layout has it; its dependency image stays
}

# export_archive PYTHON NAME KEY REFERENCE ARCHIVE
export_archive() {
  local python=$1 name=$2 key=$3 reference=$4 archive=$5 tag keep=()
  into_layout "$name" "$key"
  "$python" images/oci_archive.py archive "$cache/layout" "$name-$key" "$reference" "$archive" \
    --layers "$cache/layers" --epoch "$SOURCE_DATE_EPOCH" >"${archive%.tar}.digest.partial"
  mv "${archive%.tar}.digest.partial" "${archive%.tar}.digest"
  # the layout serves the next build of each image, so it keeps the latest of each
  mkdir -p "$cache/latest"
  echo "$name-$key" >"$cache/latest/$name"
  for tag in "$cache"/latest/*; do keep+=(--keep "$(cat "$tag")"); done
  "$python" images/oci_archive.py prune "$cache/layout" --layers "$cache/layers" "${keep[@]}"
}

# drop_old_archives NAME: keeps the three newest.
drop_old_archives() {
  local archive
  find "$cache" -maxdepth 1 -name "$1-*.tar" -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- |
    while read -r archive; do rm -f "$archive" "${archive%.tar}.digest"; done
}

# open_secrets PYTHON: the machine's package settings in a private folder, as $secrets, to be deleted by the caller.
open_secrets() {
  [ -z "${secrets:-}" ] || return 0
  secrets=$(mktemp -d)
  images/package-settings.sh "$1" "$secrets"
}
