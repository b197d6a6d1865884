#!/usr/bin/env bash
# test_serve_ops.sh - `sumi serve` as its operator sees it: limits, time limits, log, keys, TLS, numbers, mistakes. The
# checks are in ops_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/ops_checks.py "$sumi" "$model"
