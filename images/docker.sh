# shellcheck shell=bash
# docker.sh: the same builds by Docker. Sourced by build.sh.

# docker_build NAME TARGET IMAGE [BUILD_ARG...]: one target of images/NAME/Containerfile, context the repository.
docker_build() {
  local name=$1 target=$2 image=$3 arguments=() argument
  shift 3
  for argument in "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" "$@"; do arguments+=(--build-arg "$argument"); done
  for argument in settings ca uv_toml netrc; do arguments+=(--secret "id=$argument,src=$secrets/$argument"); done
  arguments+=(--progress=plain --target "$target" -t "$image" -f "images/$name/Containerfile" .)
  if docker buildx version >/dev/null 2>&1; then
    docker buildx build --load "${arguments[@]}"
  else
    DOCKER_BUILDKIT=1 docker build "${arguments[@]}" # older Docker has BuildKit built in
  fi
  # the image that had this name before has none now
  docker image prune --force --filter "label=org.opencontainers.image.title=aviary-$name"
}

# docker_save IMAGE ARCHIVE: the archive, its digest beside it.
docker_save() {
  docker save -o "$2.partial" "$1"
  mv "$2.partial" "$2"
  docker_digest "$2" "$1" >"${2%.tar}.digest"
}

# docker_digest ARCHIVE IMAGE: the manifest's digest where the archive has an OCI index (Docker 25 and later), else the image's id.
docker_digest() {
  local digest
  digest=$(tar -xOf "$1" index.json 2>/dev/null | sed -n -E 's/.*"digest":"(sha256:[0-9a-f]{64})".*/\1/p')
  [ -n "$digest" ] || digest=$(docker image inspect --format '{{.Id}}' "$2")
  echo "$digest"
}
