#!/usr/bin/env bash
# test_server_memory.sh - some allocations of a running server fail in turn: every request is answered rightly, or told that
# memory is missing. tests/long/test_allocations.sh fails all of them.
set -u
failing=$(dirname "${SUMI_PROGRAM:-build/release/sumi}")/tests/sumi_failing
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
runs=3
[ -z "${SUMI_TEST_SHORT:-}" ] || runs=1
exec python3 tests/integration/memory_checks.py "$failing" "$model" $runs \
    chat "chat stream" "two prompts" messages "responses stream" "ollama chat" page start "ollama embed" "tokenize long" detokenize \
    metrics tools wide bad "reading keys again"
