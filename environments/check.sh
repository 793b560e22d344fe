#!/usr/bin/env bash
# Run the project's checks: `lint` for style and types, `all` for these and every test.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

say "Style and types of Python"
ruff check .
ruff format --check --quiet .
mypy

say "Style and types of TypeScript"
(cd extensions && { [ -d node_modules/typescript ] || npm ci --no-audit --no-fund --loglevel=error >&2; } && npm run --silent check)
[ "${1:-all}" = lint ] && exit 0

mkdir -p build
say "Tests (rooms, house, stories, notebooks, browser)"
python -m pytest -q -n 2 --dist loadfile
