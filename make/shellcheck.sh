#!/usr/bin/env bash
# Checks every shell script of the repository: what git knows and what starts with a shell's name.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t scripts < <(git ls-files -z --cached --others --exclude-standard | xargs -0 grep -lE '^#!/(usr/)?bin/(env )?(ba)?sh' --)
[ ${#scripts[@]} -gt 0 ] || {
  echo "no shell script found: that cannot be" >&2
  exit 1
}
.venv/bin/shellcheck -x -P SCRIPTDIR "${scripts[@]}"
echo "${#scripts[@]} scripts"
