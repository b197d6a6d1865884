#!/usr/bin/env bash
# test_format.sh - C files are formatted as .clang-format says. To format them: scripts/format
set -euo pipefail
if ! command -v clang-format-14 >/dev/null; then
    echo "skipped: clang-format-14 is not installed, and other versions break some lines elsewhere"
    exit 0
fi
files=$(scripts/format --list)
[ "$(wc -l <<<"$files")" -gt 500 ] || { echo "only $(wc -l <<<"$files") files found: this test looks at nothing"; exit 1; }
if ! found=$(xargs clang-format-14 --dry-run -Werror <<<"$files" 2>&1); then
    grep -E 'error:' <<<"$found" | cut -d: -f1 | sort | uniq -c
    echo "these files are not formatted: run scripts/format"
    exit 1
fi
