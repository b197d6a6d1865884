#!/usr/bin/env bash
# test_exports.sh - libsumi.so gives its users the functions of sumi.h and no other name, so that no program can
# come to depend on an inner one or collide with it; each name carries the version of the interface, and so does the file.
set -euo pipefail
library=$(dirname "$SUMI_PROGRAM")/libsumi.so
# Functions that the header defines itself are not exported.
promised=$(gcc -E -P -Iinclude include/sumi.h | tr '\n' ' ' | grep -o '__attribute__((visibility("default")))[^;{]*' |
    grep -o '\bsumi_[a-z_]*(' | tr -d '(' | sort -u)
number() { gcc -E -P -Iinclude -include sumi.h -x c - <<<"SUMI_VERSION_$1" | tail -n 1; }
interface=$(number MAJOR)
[ "$interface" != 0 ] || interface=0.$(number MINOR)

# The sanitizers and the linker bring names of their own, all of which begin with underscores.
names=$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -v '^_' | grep -v '^SUMI_' | sort -u)
exported=${names//@@SUMI_$interface/}
extra=$(comm -13 <(echo "$promised") <(echo "$exported"))
[ -z "$extra" ] || { echo "exported without being in sumi.h, or not of version SUMI_$interface:" $extra; exit 1; }
missing=$(comm -23 <(echo "$promised") <(echo "$exported"))
[ -z "$missing" ] || { echo "promised by sumi.h, not in libsumi.so:" $missing; exit 1; }
[ "$names" != "$exported" ] || { echo "the names of libsumi.so have no version"; exit 1; }
readelf -d "$library" | grep -qF "Library soname: [libsumi.so.$interface]" || {
    echo "the file should be called libsumi.so.$interface"
    exit 1
}
echo "$(echo "$exported" | wc -l) names exported, all of them in sumi.h and of version SUMI_$interface"
