#!/usr/bin/env bash
# python.sh PYTHON OUT.tar: the CPython 3.12 that PYTHON belongs to, as a tree under usr/local.
# site-packages stays behind: machines put .pth files and their own certificates there. pip comes from its hashed wheel.
set -euo pipefail
python=$1
out=$(realpath -m "$2")
: "${SOURCE_DATE_EPOCH:?seconds since 1970 for every file in the archive}"
here=$(cd "$(dirname "$0")" && pwd)
prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
if [ "$prefix" = /usr ]; then
  cat >&2 <<'EOT'
The base image needs a CPython 3.12 in a folder of its own; the one found belongs to the distribution (/usr).
Get one with `pyenv install 3.12` or `uv python install 3.12`, and name it: AVIARY_PYTHON=/path/to/python3.12
EOT
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
usr=$work/usr/local
lib=$usr/lib/python3.12
mkdir -p "$usr/bin" "$usr/lib"
cp -a "$prefix/bin/python3.12" "$usr/bin/"
ln -s python3.12 "$usr/bin/python3"
ln -s python3.12 "$usr/bin/python"
objects=("$usr/bin/python3.12")
if [ -e "$prefix/lib/libpython3.12.so.1.0" ]; then
  cp -a "$prefix/lib/libpython3.12.so.1.0" "$usr/lib/"
  ln -s libpython3.12.so.1.0 "$usr/lib/libpython3.12.so"
  objects+=("$usr/lib/libpython3.12.so.1.0")
fi
# left out: the test suite, Tk, and what Debian trixie has no library for (nis)
tar -C "$prefix/lib" --exclude='site-packages/*' --exclude=__pycache__ --exclude='python3.12/config-3.12-*' \
  --exclude=python3.12/{test,idlelib,turtledemo,tkinter,ensurepip,lib2to3} \
  --exclude='_tkinter*' --exclude='nis.*.so' --exclude='_test*.so' --exclude='_ctypes_test*' --exclude='xxlimited*' \
  -cf - python3.12 | tar -C "$usr/lib" -xf -
shopt -s nullglob
objects+=("$lib"/lib-dynload/*.so)
strip --strip-unneeded "${objects[@]}"
patchelf --remove-rpath "${objects[@]}" # it names a folder of this machine; ldconfig finds /usr/local/lib

"$python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: --no-deps --no-compile \
  --target "$lib/site-packages" -r "$here/../../requirements/pip.txt"
rm -rf "$lib/site-packages/bin"
printf '#!/usr/local/bin/python3.12\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n' >"$usr/bin/pip"
chmod 755 "$usr/bin/pip"
chmod -R u+rwX,go+rX,go-w "$work/usr"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$work" -cf "$out" usr
