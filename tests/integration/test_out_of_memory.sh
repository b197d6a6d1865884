#!/usr/bin/env bash
# test_out_of_memory.sh - some allocations of each command fail in turn: it says so in one line and ends with 1, or does the
# same as always. tests/long/test_allocations.sh fails all of them.
set -u
failing=$(dirname "${SUMI_PROGRAM:-build/release/sumi}")/tests/sumi_failing
runs=2
[ -z "${SUMI_TEST_SHORT:-}" ] || runs=1
exec python3 tests/integration/alloc_checks.py "$failing" $runs
