#!/usr/bin/env bash
# Makes .venv, the workspace's one environment, from the hashed locks. Repeatable; does nothing when all is as locked.
# Reads the user's own settings of pip and uv (index, proxy, certificates) and adds none.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
  local candidate
  for candidate in "${AVIARY_PYTHON:-}" python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3.12 \
    /usr/bin/python3.12 /usr/local/bin/python3.12; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  cat >&2 <<'EOT'
Python 3.12 is needed and was not found (looked at $AVIARY_PYTHON, PATH, pyenv, /usr/bin, /usr/local/bin).
Get it in one of these ways, then run the same command again:
  pyenv install 3.12          uv python install 3.12
  apt-get install python3.12 python3.12-venv      (where your distribution has it)
or set AVIARY_PYTHON=/path/to/python3.12
EOT
  exit 1
}

wanted=$(cat requirements/uv.txt requirements/dev.txt ./*/pyproject.toml controllers/fillsim/pyproject.toml "$0" | sha256sum)
if [ "$(cat .venv/.aviary-lock 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
python=$(find_python)
echo "Python: $python"
if [ ! -x .venv/tools/bin/uv ] || ! .venv/tools/bin/uv --version | grep -q "$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements/uv.txt)"; then
  "$python" -m venv .venv/tools
  .venv/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements/uv.txt
fi
uv=.venv/tools/bin/uv
export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE="${UV_LINK_MODE:-copy}"
[ -x .venv/bin/python ] || "$uv" venv --quiet --allow-existing --python "$python" .venv
export VIRTUAL_ENV=$PWD/.venv
"$uv" pip sync --require-hashes --only-binary :all: requirements/dev.txt
"$uv" pip install --quiet --no-deps --no-build-isolation -e crds -e controllers/fillsim -e operator -e services -e controllers -e e2e
echo "$wanted" >.venv/.aviary-lock
