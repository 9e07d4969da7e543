#!/usr/bin/env bash
# debian.sh OUT.tar: a minimal Debian trixie with the shared libraries that CPython 3.12 and manylinux wheels need.
# Mirror, proxies and checks are those of the machine's own apt; nothing of them stays in the archive.
set -euo pipefail
out=$1
: "${SOURCE_DATE_EPOCH:?seconds since 1970 for every file in the archive}"
suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=ca-certificates,tzdata,netbase,libssl3t64,libsqlite3-0,libffi8,liblzma5,libbz2-1.0,zlib1g
packages+=,libreadline8t64,libncursesw6,libuuid1,libstdc++6
# not needed by anything that runs here
excluded=(man 'locale/*/LC_MESSAGES' info doc lintian bug)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# uri_of LABEL SUITE_SUFFIX: where this machine's apt gets that Debian archive from; empty when it has none (not Debian).
uri_of() {
  apt-get indextargets --format "\$(ORIGIN)|\$(LABEL)|\$(REPO_URI)" "Created-By: Packages" 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label { print $3; exit }'
}

archive=$(uri_of Debian)
security=$(uri_of Debian-Security)
sources=$work/sources.list
if [ -n "$archive" ]; then
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$archive" "$suite" "$keyring" "$archive" "$suite-updates" >"$sources"
  [ -z "$security" ] || printf 'deb [signed-by=%s] %s %s-security main\n' "$keyring" "$security" "$suite" >>"$sources"
fi

apt_conf=$work/apt.conf
# mmdebstrap starts apt without the machine's configuration: hand over what decides whether the network can be used
apt-config dump 2>/dev/null |
  grep -E '^Acquire::(http|https|Check-[A-Za-z-]+|Max-FutureTime|Retries|ForceIPv[46])(::[^ ]+)? ' >"$apt_conf" || true
cat >>"$apt_conf" <<'CONF'
APT::Install-Recommends "false";
Acquire::Languages "none";
CONF

options=(--variant=essential --mode=root --format=tar --keyring="$keyring" --include="$packages" --aptopt="$apt_conf")
for path in "${excluded[@]}"; do
  options+=(--dpkgopt="path-exclude=/usr/share/$path/*")
done
options+=(--dpkgopt='path-include=/usr/share/doc/*/copyright')
# etc/apt would carry this machine's mirror and proxies, and there is no apt in the image that could read it
# (00mmdebstrap is mmdebstrap's own and goes by itself)
# shellcheck disable=SC2016  # "$1" is for mmdebstrap's shell
options+=(--customize-hook='cd "$1" && find etc/apt -type f ! -name 00mmdebstrap -delete && rm -rf var/lib/apt/lists/* var/cache/debconf/*-old var/log/* etc/resolv.conf etc/hostname')

if [ -s "$sources" ]; then
  mmdebstrap "${options[@]}" "$suite" "$out" "$sources"
else
  mmdebstrap "${options[@]}" "$suite" "$out" # its own default mirrors for Debian
fi
