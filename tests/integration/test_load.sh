#!/usr/bin/env bash
# test_load.sh - hundreds of connections at `sumi serve` for some seconds, well-behaved and not: see load_checks.py. For
# minutes of it:  python3 tests/integration/load_checks.py build/release/sumi models/smollm2.gguf 180
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
# Sanitizers make the forward pass ten times slower.
[ -z "${SUMI_TEST_SHORT:-}" ] || exec python3 tests/integration/load_checks.py "$sumi" \
    tests/golden/tiny/llama-linear.gguf 8 200
exec python3 tests/integration/load_checks.py "$sumi" "$model" 15
