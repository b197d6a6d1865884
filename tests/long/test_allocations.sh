#!/usr/bin/env bash
# test_allocations.sh - under address and undefined-behaviour sanitizers allocations fail in turn, each alone and with those
# after it: of each command (integration/alloc_checks.py), of a server's start and end, and of requests of each endpoint
# (integration/memory_checks.py). Each prints a table, one row for each command or request.
#
# Argument: SUMI_FAILING, the program of tests/failing that is tested (built here if it is not given). Of what allocates more
# than 400 times, each 17th allocation between the first and the last 200 fails; SUMI_ALLOC_STRIDE=1: every one.
# SUMI_ALLOC_JOBS: how many commands run at the same time, beside one server.
set -u
cd "$(dirname "$0")/../.."
failing=${1:-build/asan/tests/sumi_failing}
if [ $# = 0 ]; then
    cmake --preset asan -DSUMI_TESTS=ON >/dev/null && cmake --build --preset asan --target sumi_failing >/dev/null ||
        { echo "FAILED: $failing is not built"; exit 1; }
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SUMI_ALLOC_JOBS=${SUMI_ALLOC_JOBS:-$(nproc)}
cp "$failing" "$work/sumi_failing" # a build of it may begin while this runs
python3 tests/integration/tiny_chat.py "$work/chat.gguf"
python3 tests/integration/memory_checks.py "$work/sumi_failing" "$work/chat.gguf" 0 >"$work/server" 2>&1 &
failed=0
python3 tests/integration/alloc_checks.py "$work/sumi_failing" 0 || failed=1
wait $! || failed=1
cat "$work/server"
exit $failed
