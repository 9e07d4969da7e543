#!/usr/bin/env bash
# step.sh "what is done" COMMAND...: says what is being done and, at the end, how long it took; the exit code is the command's.
set -uo pipefail
what=$1
shift
printf '==> %s\n' "$what"
begin=$(date +%s)
"$@"
code=$?
took=$(($(date +%s) - begin))
if [ $code -eq 0 ]; then
  printf '<== %s: done in %d s\n' "$what" "$took"
else
  printf '<== %s: FAILED (exit %d) after %d s\n' "$what" "$code" "$took" >&2
fi
exit $code
