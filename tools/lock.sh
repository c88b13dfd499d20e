#!/bin/sh
# Write the lock files anew: every package with the hashes of its files, and no address of an index.
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml "$@"; }
compile --extra postgresql --group dev -o requirements/dev.lock
compile --group build -c requirements/dev.lock -o requirements/run.lock
compile --group bench -c requirements/dev.lock -o requirements/bench.lock
