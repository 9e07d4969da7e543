# shellcheck shell=bash
# archive.sh: Debian trixie for mmdebstrap, from where this machine's own apt gets Debian. Sourced by debian.sh and by
# ../prometheus/package.sh; what it sets is for `mmdebstrap "${archive_options[@]}" ... "$suite" OUT "${archive_sources[@]}"`.
# shellcheck disable=SC2034  # used where this is sourced
suite=trixie
archive_options=()
archive_sources=()

# uri_of LABEL: where this machine's apt gets that Debian archive from; empty when it has none (not Debian).
uri_of() {
  apt-get indextargets --format "\$(ORIGIN)|\$(LABEL)|\$(REPO_URI)" "Created-By: Packages" 2>/dev/null |
    awk -F'|' -v label="$1" '$1 == "Debian" && $2 == label { print $3; exit }'
}

# open_archive FOLDER: sets archive_options and archive_sources; their files lie in FOLDER.
open_archive() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg archive security
  archive=$(uri_of Debian)
  security=$(uri_of Debian-Security)
  # without sources mmdebstrap takes its own default mirrors for Debian
  if [ -n "$archive" ]; then
    archive_sources=("$1/sources.list")
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$archive" "$suite" "$keyring" "$archive" "$suite-updates" >"$1/sources.list"
    [ -z "$security" ] || printf 'deb [signed-by=%s] %s %s-security main\n' "$keyring" "$security" "$suite" >>"$1/sources.list"
  fi
  # mmdebstrap starts apt without the machine's configuration: hand over what decides whether the network can be used
  apt-config dump 2>/dev/null |
    grep -E '^Acquire::(http|https|Check-[A-Za-z-]+|Max-FutureTime|Retries|ForceIPv[46])(::[^ ]+)? ' >"$1/apt.conf" || true
  cat >>"$1/apt.conf" <<'CONF'
APT::Install-Recommends "false";
Acquire::Languages "none";
CONF
  archive_options=(--mode=root --keyring="$keyring" --aptopt="$1/apt.conf")
}
