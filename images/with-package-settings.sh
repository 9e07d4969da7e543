#!/bin/sh
# with-package-settings.sh COMMAND...: runs COMMAND, inside a build stage, with the package settings of the machine that
# builds: index, proxies, certificates, passwords. They come as build secrets (package-settings.sh writes them), so no
# layer and no history line holds them. Absent secrets change nothing. They are never mounted over a file that exists:
# buildah would delete that file from the layer afterwards.
set -eu
secrets=/run/secrets
if [ -s "$secrets/settings" ]; then
  set -a
  # shellcheck disable=SC1091  # written by package-settings.sh
  . "$secrets/settings"
  set +a
fi
if [ -s "$secrets/ca" ]; then
  export SSL_CERT_FILE="$secrets/ca" PIP_CERT="$secrets/ca"
fi
if [ -s "$secrets/uv_toml" ]; then
  export UV_CONFIG_FILE="$secrets/uv_toml"
fi
if [ -s "$secrets/netrc" ]; then
  export NETRC="$secrets/netrc"
fi
exec "$@"
