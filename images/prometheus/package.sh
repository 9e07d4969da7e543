#!/usr/bin/env bash
# package.sh FOLDER: Debian's package `prometheus` of the images' release, as FOLDER/prometheus.deb, with apt's signatures
# checked; for builds without Docker, whose base has no apt. Nothing is installed.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
. "$(dirname "$0")/../base/archive.sh"
export out=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
open_archive "$work"

# an empty root whose apt knows the release: the package alone is fetched, not what the full Prometheus would pull in
# shellcheck disable=SC2016  # for mmdebstrap's shell
mmdebstrap "${archive_options[@]}" --variant=custom --format=null \
  --customize-hook='cd "$out" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -o APT::Sandbox::User=root download prometheus' \
  "$suite" - "${archive_sources[@]}"
mv "$out"/prometheus_*.deb "$out/prometheus.deb"
