#!/usr/bin/env bash
# test_terminal.sh - commands on a terminal that are no chat; the checks are in terminal_checks.py.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
exec python3 tests/integration/terminal_checks.py "$sumi" "$model"
