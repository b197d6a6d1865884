#!/usr/bin/env bash
# test_crash.sh - `sumi serve` killed while it writes its prefix cache: see crash_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/crash_checks.py "$sumi" "$model"
