#!/usr/bin/env bash
# test_allocations.sh - under address and undefined-behaviour sanitizers every allocation fails in turn, alone and with those
# after it: of each command (integration/alloc_checks.py), and of a server's start and a request of each endpoint
# (integration/memory_checks.py). Without arguments: all; else SUMI_FAILING, the program of tests/failing that is tested.
set -u
cd "$(dirname "$0")/../.."
failing=${1:-build/asan/tests/sumi_failing}
if [ $# = 0 ]; then
    cmake --preset asan -DSUMI_TESTS=ON >/dev/null && cmake --build --preset asan --target sumi_failing >/dev/null ||
        { echo "FAILED: $failing is not built"; exit 1; }
fi
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/integration/alloc_checks.py "$failing" 0 || failed=1
python3 tests/integration/tiny_chat.py "$work/chat.gguf"
python3 tests/integration/memory_checks.py "$failing" "$work/chat.gguf" 0 || failed=1
exit $failed
