#!/usr/bin/env bash
# test_exports.sh - libsumi.so gives its users the functions of sumi.h and no other name, so that no program can
# come to depend on an inner one or collide with it.
set -euo pipefail
library=$(dirname "$SUMI_PROGRAM")/libsumi.so
# Functions that the header defines itself are not exported.
promised=$(gcc -E -P -Iinclude include/sumi.h | tr '\n' ' ' | grep -o '__attribute__((visibility("default")))[^;{]*' |
    grep -o '\bsumi_[a-z_]*(' | tr -d '(' | sort -u)
# The sanitizers and the linker bring names of their own, all of which begin with underscores.
exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -v '^_' | sort -u)
extra=$(comm -13 <(echo "$promised") <(echo "$exported"))
[ -z "$extra" ] || { echo "exported without being in sumi.h:" $extra; exit 1; }
missing=$(comm -23 <(echo "$promised") <(echo "$exported"))
[ -z "$missing" ] || { echo "promised by sumi.h, not in libsumi.so:" $missing; exit 1; }
echo "$(echo "$exported" | wc -l) names exported, all of them in sumi.h"
