#!/usr/bin/env bash
# test_serve.sh - `sumi serve` on a real model: answers, streams, refuses, notices who leaves, ends in order. The checks
# are in serve_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/serve_checks.py "$sumi" "$model"
