#!/usr/bin/env bash
# run.sh - sets up what is missing, then answers a prompt: ./run.sh "Why is the sky blue?"
# Without a prompt it starts a chat. Only the answer is on stdout: the set-up and one line about the model are on stderr.
set -eu
cd "$(dirname "$0")"

case ${1-} in
-h | --help | help)
    cat <<'HELP'
Usage: ./run.sh [OPTION...] [PROMPT]
Answer PROMPT with SmolLM2 135M, a small model for a first look. Without PROMPT: a chat; Ctrl-D ends it.

Installs the packages that are missing (with apt-get, as root or by sudo), builds build/release/sumi and fetches the model
(94 MB); a second call starts at once. Options are those of 'sumi run': -n 100, --temp 0.7, --system TEXT, ...

Examples:
  ./run.sh "Why is the sky blue?"
  ./run.sh -n 20 "Name three colours."
HELP
    exit 0
    ;;
esac
. scripts/setup.sh

take_lock
need_packages "${build_packages[@]}"
# Tests need more packages than the program does; where those are, the same build folder serves both.
pkg-config --exists cmocka && tests=ON || tests=OFF
[ -f build/release/build.ninja ] || configure release -DSUMI_TESTS=$tests
build release sumi
need_model smollm2
release_lock

say "SmolLM2 135M is a demo model: expect mistakes. Better ones: 'build/release/sumi pull NAME', then 'build/release/sumi run NAME', with
  hf:bartowski/Qwen2.5-1.5B-Instruct-GGUF (1 GB to fetch, 1.2 GB of memory) or hf:Qwen/Qwen3-4B-GGUF (2.5 GB, 3.2 GB)"
# Words are joined to one prompt unless options are among them. Without chance, a small model says less nonsense.
for word; do
    case $word in -*) exec build/release/sumi run --temp 0 "$models/smollm2.gguf" "$@" ;; esac
done
if [ $# = 0 ]; then exec build/release/sumi run "$models/smollm2.gguf"; fi
exec build/release/sumi run --temp 0 "$models/smollm2.gguf" -p "$*"
