#!/usr/bin/env bash
# Set up everything a command of the Makefile needs, and nothing twice.
#
#   environments/setup.sh demo    the workbench, torch, the decoders of ingest and the lab extension
#   environments/setup.sh test    the same and the tools of the tests
#   environments/setup.sh bench   the same and the peers that the benchmark measures beside
#
# It makes a virtual environment in .venv, takes the versions of environments/constraints.txt, and, when run as
# root on Debian, installs bubblewrap (the walls around governed notebooks), tesseract (reads text in pixels),
# dicom3tools (judges DICOM files) and, for the tests, Chromium and the Orthanc archive.
set -euo pipefail
level="${1:-demo}"
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
stop() { printf 'Cannot go on: %s\n' "$*" >&2; exit 1; }

python=""
for name in python3.13 python3.12 python3.11 python3; do
  if command -v "$name" > /dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    python="$name"; break
  fi
done
[ -n "$python" ] || stop "Python 3.11 or newer is not installed; install it (Debian: apt-get install python3 python3-venv) and try again."
"$python" -c 'import ensurepip, venv' 2> /dev/null || stop "Python's venv module is missing; install it (Debian: apt-get install python3-venv) and try again."

# Debian packages: a missing one is installed by root, named otherwise.
packages=()
command -v bwrap > /dev/null || packages+=(bubblewrap)
command -v tesseract > /dev/null || packages+=(tesseract-ocr)
command -v dciodvfy > /dev/null || packages+=(dicom3tools)
if [ "$level" != demo ]; then
  command -v Orthanc > /dev/null || packages+=(orthanc)
  [ -f /usr/share/orthanc/plugins/libOrthancDicomWeb.so ] || packages+=(orthanc-dicomweb)
  command -v chromium > /dev/null || command -v chromium-browser > /dev/null || packages+=(chromium)
  [ -d /usr/share/fonts/truetype/dejavu ] || packages+=(fonts-dejavu)
fi
if [ "${#packages[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    say "Installing ${packages[*]} from Debian (about a minute)"
    export DEBIAN_FRONTEND=noninteractive
    # An archive that is installed for the tests must not begin to serve; the tests start their own.
    policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] && policy="" || { printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod 755 "$policy"; }
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}") > .setup.log 2>&1 \
      || say "Debian's packages could not be installed (see .setup.log); what needs ${packages[*]} will be skipped and say so."
    [ -z "$policy" ] || rm -f "$policy"
  else
    say "Not installed: ${packages[*]}. As root: apt-get install ${packages[*]}. What needs them will be skipped and say so."
  fi
fi

extras="train,ingest"
[ "$level" = demo ] || extras="train,ingest,itk,gateway,test"
[ "$level" = bench ] && extras="train,ingest,itk,gateway,test,bench"
stamp=".venv/setup-$level"
# Everything the installed package is made from; the Python sources themselves are used in place.
wanted="$( { "$python" --version; cat pyproject.toml environments/constraints.txt environments/setup.sh;
  find extensions workbench/jupyter/config workbench/jupyter/kernels -type f \
    -not -path '*/node_modules/*' -not -path '*/lib/*' -not -name '*.tsbuildinfo' | LC_ALL=C sort | xargs cat; } | cksum)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] \
  && [ -f workbench/jupyter/labextension/package.json ] && [ -f workbench/viewer/static/volume3d.js ]; then
  exit 0
fi

command -v node > /dev/null && [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] \
  || stop "node 20 or newer is not installed; it builds the JupyterLab extension (Debian: apt-get install nodejs npm)."
command -v npm > /dev/null || stop "npm is not installed; it builds the JupyterLab extension (Debian: apt-get install npm)."

if [ ! -x .venv/bin/python ]; then
  say "Making the virtual environment .venv with $("$python" --version)"
  "$python" -m venv .venv
fi
say "Installing the workbench [$extras] and building the JupyterLab extension (2 to 6 minutes the first time)"
# The extension's hook builds only what is absent.
rm -rf workbench/jupyter/labextension workbench/viewer/static
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c environments/constraints.txt -e ".[$extras]" >&2 \
  || stop "pip could not install the workbench; its message stands above."
[ -f workbench/jupyter/labextension/package.json ] && [ -f workbench/viewer/static/volume3d.js ] \
  || stop "the JupyterLab extension was not built; run 'npm ci && npm run build' in extensions/ to see why."
rm -f .venv/setup-*
printf '%s' "$wanted" > "$stamp"
[ "$level" = demo ] || printf '%s' "$wanted" > .venv/setup-demo
[ "$level" = bench ] && printf '%s' "$wanted" > .venv/setup-test
say "Set up in ${SECONDS} s"
