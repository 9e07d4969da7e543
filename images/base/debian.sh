#!/usr/bin/env bash
# debian.sh OUT.tar: a minimal Debian trixie with the shared libraries that CPython 3.12 and manylinux wheels need.
# Mirror, proxies and checks are those of the machine's own apt; nothing of them stays in the archive.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
. "$(dirname "$0")/archive.sh"
out=$1
: "${SOURCE_DATE_EPOCH:?seconds since 1970 for every file in the archive}"
packages=ca-certificates,tzdata,netbase,libssl3t64,libsqlite3-0,libffi8,liblzma5,libbz2-1.0,zlib1g
packages+=,libreadline8t64,libncursesw6,libuuid1,libstdc++6
# not needed by anything that runs here
excluded=(man 'locale/*/LC_MESSAGES' info doc lintian bug)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
open_archive "$work"

options=(--variant=essential --format=tar --include="$packages")
for path in "${excluded[@]}"; do
  options+=(--dpkgopt="path-exclude=/usr/share/$path/*")
done
options+=(--dpkgopt='path-include=/usr/share/doc/*/copyright')
# etc/apt would carry this machine's mirror and proxies, and there is no apt in the image that could read it
# (00mmdebstrap is mmdebstrap's own and goes by itself)
# shellcheck disable=SC2016  # "$1" is for mmdebstrap's shell
options+=(--customize-hook='cd "$1" && find etc/apt -type f ! -name 00mmdebstrap -delete && rm -rf var/lib/apt/lists/* var/cache/debconf/*-old var/log/* etc/resolv.conf etc/hostname')

mmdebstrap "${archive_options[@]}" "${options[@]}" "$suite" "$out" "${archive_sources[@]}"
