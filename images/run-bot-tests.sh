#!/usr/bin/env bash
# run-bot-tests.sh [PYTEST_ARGUMENT...]: tests of the bot that import Hummingbot, inside the bot image's environment
# (Hummingbot's wheels need a newer C library than many machines have). Without a path it runs controllers/tests/component.
# The repository is /src there, read-only and ahead of the image on the path, so a change of code needs no build.
# Of the network there is loopback only; /tmp can be written.
# shellcheck source-path=SCRIPTDIR/..
set -euo pipefail
cd "$(dirname "$0")/.."
. images/inputs.sh

arguments=("$@")
named=no
for argument in "$@"; do
  [ ! -e "${argument%%::*}" ] || named=yes
done
[ $named = yes ] || arguments+=(controllers/tests/component)
# Nothing can be written under /src. Warnings are errors where our code is at fault; Hummingbot's own are its authors'.
arguments=(-p no:cacheprovider -o $'filterwarnings=ignore\nerror:::(aviary_|controllers\.)' "${arguments[@]}")

read -r reference _ archive < <(images/build.sh test)
if [ "$(find_engine)" = docker ]; then
  exec docker run --rm --read-only --network none --tmpfs /tmp --volume "$PWD:/src:ro" \
    --env HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis "$reference" "${arguments[@]}"
fi
exec "$(find_python "$PWD")" images/run_image.py "$archive" --user 0 --bind "$PWD:/src" --writable /tmp \
  --env HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis -- /usr/local/bin/python3 -m pytest "${arguments[@]}"
