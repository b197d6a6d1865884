#!/usr/bin/env bash
# test_header.sh - sumi.h stands alone: it compiles first and by itself as C11 and as C++11 to 20, without a warning and
# without GNU or POSIX names switched on; C and C++ users see the same symbols.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/use.c" <<'EOF'
#include "sumi.h"
#include "sumi.h"
const char *version(void);
const char *version(void) { return sumi_version(); }
#if SUMI_VERSION_NUM != SUMI_VERSION_MAJOR * 1000000 + SUMI_VERSION_MINOR * 1000 + SUMI_VERSION_PATCH
#error SUMI_VERSION_NUM is not a number for the preprocessor
#endif
EOF
cp "$work/use.c" "$work/use.cc"
for cc in gcc clang clang-14; do
    command -v $cc >/dev/null || continue
    cxx=${cc/gcc/g++} cxx=${cxx/clang/clang++}
    $cc -std=c11 -pedantic -Wall -Wextra -Wstrict-prototypes -Werror -Iinclude -c "$work/use.c" -o "$work/c.o"
    command -v "$cxx" >/dev/null || continue
    for std in 11 17 20; do
        $cxx -std=c++$std -pedantic -Wall -Wextra -Werror -Iinclude -c "$work/use.cc" -o "$work/cc.o"
    done
    nm "$work/cc.o" | grep -q ' U sumi_version$' || { echo "$cxx: sumi_version is not a C symbol"; exit 1; }
done
echo "sumi.h compiles alone"
