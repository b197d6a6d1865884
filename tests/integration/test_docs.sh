#!/usr/bin/env bash
# test_docs.sh - the documentation holds what it promises; the checks are in docs_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/docs_checks.py "$sumi" "$model"
