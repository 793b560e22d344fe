#!/usr/bin/env bash
# Runs every GPU test and the GPU benchmark in one call, in less than ten minutes, without internet:
#
#   bash tests/gpu/run.sh FOLDER_OF_WHEELS
#
# The machine has torch and cupy (any python3 that holds them; another one is named by PYTHON=…). What else is missing
# is installed from the folder into build/gpu/site; nothing of the machine's Python changes. bubblewrap may lie in the
# folder as a .deb. Written to $OUT, or to build/gpu: gpu-tests.log, gpu-bench.json, gpu-bench.txt.
#
# Exit codes: 0 every test passed and everything was measured; 1 a test failed or something could not be measured;
# 2 called without a folder; 3 no GPU, so nothing was run and nothing is claimed; 4 a package and its wheel are missing.
set -uo pipefail
cd "$(dirname "$0")/../.."
wheels=${1:-}
if [[ -z $wheels || ! -d $wheels ]]; then
  echo "Name the folder of wheels: bash tests/gpu/run.sh FOLDER (tests/gpu/wheels.txt says what belongs in it)." >&2
  exit 2
fi
wheels=$(realpath "$wheels")
out=${OUT:-build/gpu}
site=$PWD/build/gpu/site
python=${PYTHON:-python3}
mkdir -p "$out"
out=$(realpath "$out")

"$python" tests/gpu/device.py | tee "$out/gpu-tests.log"
if [[ ${PIPESTATUS[0]} -ne 0 ]]; then
  echo '{"gpu": null, "rows": []}' >"$out/gpu-bench.json"
  exit 3
fi

mkdir -p "$site"
export PYTHONPATH=$PWD:$site PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CUBLAS_WORKSPACE_CONFIG=:4096:8
"$python" tests/gpu/wheel_folder.py "$wheels" "$site" 2>&1 | tee -a "$out/gpu-tests.log"
[[ ${PIPESTATUS[0]} -eq 0 ]] || exit 4
if ! command -v bwrap >/dev/null; then
  for package in "$wheels"/*.deb; do
    [[ -f $package ]] && dpkg -x "$package" "$PWD/build/gpu/debian"
  done
  export PATH=$PATH:$PWD/build/gpu/debian/usr/bin
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$PWD/build/gpu/debian/usr/lib/x86_64-linux-gnu
fi

# The fixtures of the other tests need the whole product; these need a GPU. Warnings of other versions are no failures.
timeout 330 "$python" -m pytest tests/gpu -p no:cacheprovider --confcutdir=tests/gpu -o addopts="--import-mode=importlib -ra" \
  -o filterwarnings=default -o timeout=150 2>&1 | tee -a "$out/gpu-tests.log"
tested=${PIPESTATUS[0]}
timeout 210 "$python" tests/gpu/bench.py "$out/gpu-bench.json" 2>&1 | tee "$out/gpu-bench.txt"
measured=${PIPESTATUS[0]}
echo "tests ended with $tested, the benchmark with $measured; see $(basename "$out")/gpu-tests.log and gpu-bench.json"
[[ $tested -eq 0 && $measured -eq 0 ]]
