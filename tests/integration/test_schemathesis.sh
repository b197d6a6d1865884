#!/usr/bin/env bash
# test_schemathesis.sh - two thousand generated requests, valid and not, at `sumi serve`: see schemathesis_checks.py.
set -u
python=$(scripts/test-python) || exit 1
exec "$python" tests/integration/schemathesis_checks.py "${SUMI_PROGRAM:-build/release/sumi}" \
    tests/golden/tiny/llama-linear.gguf
