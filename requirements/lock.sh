#!/usr/bin/env bash
# Writes both locks anew from pyproject.toml: every version, every digest, no addresses.
# Needs uv on the path. Pass --upgrade to move to newer versions.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
    --no-config --no-annotate --no-emit-index-url --no-emit-find-links \
    --constraints requirements/constraints.txt \
    --custom-compile-command requirements/lock.sh "$@"
}

compile --extra build --output-file requirements/run.txt "${@}"
# The tests run on exactly the versions that users run on.
compile --extra build --extra dev --constraints requirements/run.txt \
  --output-file requirements/dev.txt "${@}"
