#!/usr/bin/env bash
# test_server_memory.sh - every allocation of a running server fails in turn, in each kind of request: alone, and with all after
# it.
set -u
failing=$(dirname "${SUMI_PROGRAM:-build/release/sumi}")/tests/sumi_failing
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/memory_checks.py "$failing" "$model" 0
