#!/usr/bin/env bash
# test_web.sh - the web page of `sumi serve` in a real browser: Debian's chromium, without a window. The checks are in
# web_checks.py and web_markdown_checks.py; pictures of the page are left beside the program, in web-pictures/.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
command -v "${SUMI_CHROMIUM:-chromium}" >/dev/null || { echo "chromium is missing: apt-get install chromium"; exit 1; }
python3 tests/integration/web_markdown_checks.py "$sumi" "$model" &&
    python3 tests/integration/web_thread_checks.py "$sumi" "$model" &&
    python3 tests/integration/web_checks.py "$sumi" "$model" "$(dirname "$sumi")/web-pictures"
