#!/usr/bin/env bash
# prerequisites.sh: what building images without Docker needs. As root on Debian or Ubuntu it installs what is missing;
# elsewhere it says what to install. Prints nothing when all is there.
set -euo pipefail

if [ "$(uname -s)" != Linux ] || [ "$(id -u)" -ne 0 ]; then
  cat >&2 <<'EOT'
Images are built with Docker where `docker info` answers; it does not here. Without Docker they are built with buildah,
which needs Linux and root. Start Docker, or run the same command as root (sudo -E).
EOT
  exit 1
fi

packages=()
# need PACKAGE TEST...: notes PACKAGE when TEST fails.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || packages+=("$package")
}
for tool in buildah skopeo mmdebstrap patchelf zstd; do need "$tool" command -v "$tool"; done
need binutils command -v strip
need debian-archive-keyring test -r /usr/share/keyrings/debian-archive-keyring.gpg
[ ${#packages[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Building images needs, and this machine lacks: ${packages[*]} (names of the Debian packages). Install them, or use Docker." >&2
  exit 1
fi
echo "==> installing ${packages[*]} with apt-get, to build images" >&2
install() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${packages[@]}" >/dev/null
}
# the package lists may be missing or too old to fetch by: renew them once
install 2>/dev/null || { apt-get -qq -o DPkg::Lock::Timeout=300 update && install; } || {
  echo "apt-get could not install ${packages[*]}; its message is above. Install them by hand, or use Docker." >&2
  exit 1
}
