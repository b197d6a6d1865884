#!/usr/bin/env bash
# test_run_script.sh - ./run.sh --help explains the script, and is no prompt: nothing is installed, built or asked.
set -eu
out=$(bash run.sh --help </dev/null 2>&1)
grep -q '\./run\.sh \[OPTION' <<<"$out" || { echo "run.sh --help does not tell how it is called: $out"; exit 1; }
! grep -q '^run.sh: ' <<<"$out" || { echo "run.sh --help sets something up: $out"; exit 1; }
