#!/bin/sh
# prune.sh SITE_PACKAGES HUMMINGBOT: removes what a headless bot on a centralised exchange never imports (694 -> 512 MB).
# Every deletion was proven by importing all connectors and all modules before and after, and by a trading run.
set -eu
site=$1
hummingbot=$2
cd "$site"
# Libraries of the connectors lighter_perpetual, decibel_perpetual and pacifica_perpetual only (95 MB): these three and
# their testnets do not load in this image, and the API refuses their names.
rm -rf lighter lighter_sdk-* solders solders-* aptos_sdk aptos_sdk-* decibel decibel_python_sdk-*
# Test and build tools that upstream lists as run-time requirements.
rm -rf behave behave-* cucumber_* aiounittest aiounittest-* aioresponses aioresponses-* objgraph* \
  setuptools setuptools-* pkg_resources _distutils_hack distutils-precedence.pth docs examples benchmarks
rm -rf ./*-stubs
# Test suites (49 MB). numpy/_core/tests/_natype.py stays: numpy.testing imports it, and scipy that, at boot.
find . -depth -type d \( -name tests -o -name test \) ! -path './numpy/_core/tests*' -exec rm -rf {} +
find ./numpy/_core/tests -type f ! -name __init__.py ! -name _natype.py -delete
# Sources of compiled modules and type stubs (34 MB).
find . "$hummingbot" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' \
  -o -name '*.hpp' -o -name '*.pyi' -o -name '*.a' -o -name '*.f' -o -name '*.f90' \) -delete
find . "$hummingbot" -depth -type d -empty -delete
