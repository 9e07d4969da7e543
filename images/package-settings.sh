#!/usr/bin/env bash
# package-settings.sh PYTHON FOLDER: writes what this machine's pip and uv need to reach their packages into FOLDER, as
# the files `settings`, `ca`, `uv_toml` and `netrc` (empty where there is nothing to say). images/*/Containerfile take
# them as build secrets. Contents may be passwords: FOLDER must be private and is the caller's to delete.
set -euo pipefail
python=$1
folder=$2
umask 077
: >"$folder/settings"
for name in ca uv_toml netrc; do : >"$folder/$name"; done

# say NAME VALUE: one line that any POSIX shell reads back as it was.
say() {
  printf "%s='%s'\n" "$1" "$(printf %s "$2" | sed "s/'/'\\\\''/g")" >>"$folder/settings"
}

# Variables as the user set them. Paths of this machine mean nothing inside a build, so only addresses pass.
for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_FIND_LINKS PIP_DEFAULT_TIMEOUT PIP_TIMEOUT PIP_RETRIES PIP_PROXY \
  UV_INDEX UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_INSECURE_HOST UV_FIND_LINKS UV_INDEX_STRATEGY UV_HTTP_TIMEOUT \
  http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY; do
  value=${!name:-}
  case $name:$value in
    *: | *_FIND_LINKS:/* | *_FIND_LINKS:.* | *_FIND_LINKS:~*) ;;
    *) say "$name" "$value" ;;
  esac
done

# pip's files: system, user and environment, as pip itself merges them.
pip_config=$("$python" -m pip config list 2>/dev/null || true)
pip_says() {
  sed -n -E "s/^(global|install|download)\.$1='(.*)'\$/\2/p" <<<"$pip_config" | tail -n 1 | sed 's/\\n/ /g'
}
pip_index=${PIP_INDEX_URL:-$(pip_says index-url)}
[ -n "${PIP_INDEX_URL:-}" ] || [ -z "$pip_index" ] || say PIP_INDEX_URL "$pip_index"
for key in extra-index-url trusted-host proxy timeout; do
  name=PIP_$(tr 'a-z-' 'A-Z_' <<<"$key")
  value=$(pip_says "$key")
  [ -n "${!name:-}" ] || [ -z "$value" ] || say "$name" "$value"
done

# uv's file: the first that uv itself would take.
for file in "${UV_CONFIG_FILE:-}" "${XDG_CONFIG_HOME:-$HOME/.config}/uv/uv.toml" /etc/uv/uv.toml; do
  if [ -n "$file" ] && [ -r "$file" ]; then
    cat "$file" >"$folder/uv_toml"
    break
  fi
done
# Who told only pip about a mirror means uv too.
if [ -n "$pip_index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_INDEX:-}" ] && [ ! -s "$folder/uv_toml" ]; then
  say UV_DEFAULT_INDEX "$pip_index"
fi

# Certificates: what the user named, else the system's own bundle (it holds a company's root where there is one).
for file in "${SSL_CERT_FILE:-}" "${PIP_CERT:-}" "${REQUESTS_CA_BUNDLE:-}" "$(pip_says cert)" \
  /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
  if [ -n "$file" ] && [ -r "$file" ]; then
    cat "$file" >"$folder/ca"
    break
  fi
done

netrc=${NETRC:-$HOME/.netrc}
if [ -r "$netrc" ]; then
  cat "$netrc" >"$folder/netrc"
fi
