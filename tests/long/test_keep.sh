#!/usr/bin/env bash
# test_keep.sh - steps of which a part is kept, in many more random programs than unit.engine.keep runs.
set -u
SUMI_TEST_SEQUENCES=200000 exec "$(dirname "${SUMI_PROGRAM:-build/release/sumi}")/tests/test.unit.engine" keep
