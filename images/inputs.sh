# shellcheck shell=bash
# inputs.sh: the hashes that decide whether something must be built again. Sourced by build.sh, which
# runs in a copy of the repository, and by run-bot-tests.sh. A hash covers file names and contents, and nothing of when or
# where they were written.

# find_engine: docker or buildah, as $AVIARY_IMAGE_ENGINE says or as docker answers.
find_engine() {
  case ${AVIARY_IMAGE_ENGINE:-auto} in
    docker | buildah) echo "$AVIARY_IMAGE_ENGINE" ;;
    auto) if docker info >/dev/null 2>&1; then echo docker; else echo buildah; fi ;;
    *)
      echo "AVIARY_IMAGE_ENGINE is '$AVIARY_IMAGE_ENGINE'; it may be auto, docker or buildah" >&2
      return 1
      ;;
  esac
}

# hash_files PATH...: over all files in or under PATHs.
hash_files() {
  find "$@" -type f ! -path '*/__pycache__/*' ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

hash_text() { sha256sum <<<"$*" | cut -c1-16; }

# find_python ROOT: the CPython 3.12 that ROOT/.venv was made from (or $AVIARY_PYTHON); the base image takes over its files.
find_python() {
  local python=${AVIARY_PYTHON:-$1/.venv/bin/python}
  if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
    echo "the images need Python 3.12 and $python is not one: run \`make setup\`, or set AVIARY_PYTHON" >&2
    return 1
  fi
  "$python" -c 'import sys; print(sys._base_executable)'
}

# hash_of_base PYTHON
hash_of_base() {
  local prefix
  prefix=$("$1" -c 'import sys; print(sys.base_prefix)')
  hash_text "$SOURCE_DATE_EPOCH" "$(hash_files images/base requirements/pip.txt)" \
    "$(sha256sum "$prefix/bin/python3.12" "$prefix/lib/libpython3.12.so.1.0" 2>/dev/null | cut -d' ' -f1)"
}

# deps_key NAME BASE_KEY
deps_key() {
  local files=("images/$1/Containerfile" images/with-package-settings.sh)
  case $1 in
    prometheus) files+=(images/prometheus/package.sh images/base/archive.sh) ;;
    bot) files+=(requirements/bot.txt requirements/uv.txt images/bot/prune.sh requirements/build.txt) ;;
    *) files+=("requirements/$1.txt" requirements/uv.txt) ;;
  esac
  hash_text "$2" "$SOURCE_DATE_EPOCH" "$(hash_files "${files[@]}")"
}

# sources_of NAME: our own packages in an image; its Containerfile copies the same. Prometheus has none.
sources_of() {
  case $1 in
    bot) echo crds/src/aviary_crds controllers/fillsim/src/aviary_fillsim controllers/src/aviary_bot ;;
    operator) echo crds/src/aviary_crds operator/src/aviary_operator ;;
    services) echo crds/src/aviary_crds controllers/fillsim/src/aviary_fillsim services/src/aviary_services ;;
  esac
}

# version_of NAME: of the part the image is named after; Prometheus goes with the operator, whose gates ask it.
version_of() {
  local folder=$1
  case $1 in
    bot) folder=controllers ;;
    prometheus) folder=operator ;;
  esac
  sed -n 's/^version = "\(.*\)"$/\1/p' "$folder/pyproject.toml"
}

# reference_of NAME: under which a container runtime knows the image.
reference_of() {
  if [ "$1" = test ]; then
    echo "aviary.local/bot-test:$(version_of bot)"
  else
    echo "aviary.local/$1:$(version_of "$1")"
  fi
}

# image_key NAME BASE_KEY
image_key() {
  if [ "$1" = test ]; then
    hash_text "$(deps_key bot "$2")" "$(hash_files requirements/bot-dev.txt images/oci_archive.py)"
  else
    # shellcheck disable=SC2046  # a list of paths without spaces
    hash_text "$(deps_key "$1" "$2")" "$(version_of "$1")" "$(hash_files $(sources_of "$1") images/oci_archive.py)"
  fi
}
