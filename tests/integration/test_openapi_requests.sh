#!/usr/bin/env bash
# test_openapi_requests.sh - openapi.json against a running `sumi serve`: its fields are those of the parsers.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/openapi_checks.py "$sumi" "$model"
