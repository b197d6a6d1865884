#!/usr/bin/env bash
# run.sh - sets up what is missing, then answers a prompt: ./run.sh "Why is the sky blue?"
# Without a prompt it starts a chat. The set-up speaks on stderr only, and not at all once it is done.
set -eu
cd "$(dirname "$0")"
. scripts/setup.sh

take_lock
need_packages "${build_packages[@]}"
# Tests need more packages than the program does; where those are, the same build folder serves both.
pkg-config --exists cmocka && tests=ON || tests=OFF
[ -f build/release/build.ninja ] || configure release -DSUMI_TESTS=$tests
build release sumi
need_model smollm2
release_lock

if [ $# = 0 ]; then exec build/release/sumi run "$models/smollm2.gguf"; fi
exec build/release/sumi run "$models/smollm2.gguf" -p "$*"
