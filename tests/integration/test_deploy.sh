#!/usr/bin/env bash
# test_deploy.sh - the files of deploy/ fit the program: dashboards and alerts ask for numbers that it shows, its unit and
# its container can run it. The checks are in deploy_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/deploy_checks.py "$sumi" "$model"
