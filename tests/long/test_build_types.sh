#!/usr/bin/env bash
# test_build_types.sh - sumi compiles without a warning in each of CMake's build types with each compiler that is there, as a
# newcomer configures it, without cmocka, as a subproject, and for musl; and two builds in different folders are the same bytes.
#
#   SUMI_COMPILERS="gcc clang-19"    these instead of gcc and each clang that is installed; "": none
set -euo pipefail
. scripts/setup.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CMAKE_C_COMPILER_LAUNCHER # a cache of results would hide what is looked for
source=$PWD

# try NAME COMMAND...: runs it; prints its time, or the end of its output.
failed=0
try() {
    local name=$1 start=$SECONDS
    shift
    rm -rf "$work/build"
    if "$@" >"$work/log" 2>&1; then
        echo "$name: $((SECONDS - start)) s"
    else
        echo "$name: FAILED"
        grep -E 'error|Error' "$work/log" | head -n 5 || true
        tail -n 20 "$work/log"
        failed=1
    fi
}

# Each command of a check has to succeed: `set -e` does not hold inside a condition, so they are chained.

# ---- Build types and compilers ----
every_compiler() {
    local cc path
    for cc in gcc clang clang-{14..21}; do # clang is one of the others by another name
        if path=$(command -v "$cc"); then echo "$(readlink -f "$path") $cc"; fi
    done | sort -u -k1,1 | cut -d' ' -f2
}
build_type() { # COMPILER TYPE
    cmake -S . -B "$work/build" -G Ninja -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE="$2" -DSUMI_WERROR=ON &&
        ninja -C "$work/build" && "$work/build/sumi" --version
}
for cc in ${SUMI_COMPILERS-$(every_compiler)}; do
    echo "== $("$cc" --version | head -n 1)"
    for type in None Debug Release MinSizeRel RelWithDebInfo; do try "$cc, $type" build_type "$cc" "$type"; done
done

# ---- As a newcomer does it: no type, no cmocka ----
newcomer() {
    # pkg-config looks into one folder that has all but cmocka.
    mkdir -p "$work/pc"
    pkg-config --variable pc_path pkg-config | tr : '\n' | while read -r folder; do
        [ ! -d "$folder" ] || find "$folder" -name '*.pc' ! -name cmocka.pc -exec ln -sf {} "$work/pc" ';'
    done
    PKG_CONFIG_LIBDIR=$work/pc cmake -S . -B "$work/build" >"$work/said" && cat "$work/said" &&
        grep -q 'no CMAKE_BUILD_TYPE was given: RelWithDebInfo' "$work/said" && grep -q 'tests are not built' "$work/said" &&
        grep -q '^CMAKE_BUILD_TYPE:.*=RelWithDebInfo$' "$work/build/CMakeCache.txt" &&
        cmake --build "$work/build" -j "$(nproc)" && [ ! -e "$work/build/tests" ] && "$work/build/sumi" --version
}
try "no type, no cmocka, make" newcomer

# ---- Inside another project, which gets neither our tests nor our program ----
mkdir -p "$work/app"
cat >"$work/app/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(app C)
include(FetchContent)
FetchContent_Declare(sumi SOURCE_DIR $source)
FetchContent_MakeAvailable(sumi)
add_executable(app $source/examples/hello.c)
target_link_libraries(app PRIVATE sumi::sumi)
END
subproject() { # [-DNAME=VALUE...]
    cmake -S "$work/app" -B "$work/build" -G Ninja "$@" && ninja -C "$work/build" &&
        [ -z "$(find "$work/build" -name 'libsumi_server*' -o -name 'test.*')" ] &&
        [ "$("$work/build/app" 2>&1 || true)" = "usage: hello MODEL.gguf QUESTION" ]
}
try "subproject, no type" subproject
try "subproject, static" subproject -DBUILD_SHARED_LIBS=OFF

# ---- The same bytes wherever it is built ----
copy_and_build() { # FOLDER
    mkdir -p "$1" && cp -r CMakeLists.txt cmake include src docs scripts examples LICENSE README.md "$1/" &&
        cmake -S "$1" -B "$1/build" -G Ninja -DSUMI_TESTS=OFF && ninja -C "$1/build"
}
twice() {
    local file
    copy_and_build "$work/a" && copy_and_build "$work/some/deeper/folder" || return 1
    for file in sumi libsumi.so libsumi.a example.hello; do
        cmp "$work/a/build/$file" "$work/some/deeper/folder/build/$file" || return 1
        ! grep -aF "$work" "$work/a/build/$file" || { echo "Error: $file holds the path of its source"; return 1; }
    done
}
try "two folders, the same bytes" twice

# ---- musl: the library alone, for Debian has no other library for musl ----
need_packages musl-tools
musl() {
    local header include=$work/include
    mkdir -p "$include"
    for header in jansson.h jansson_config.h pcre2.h utf8proc.h; do
        ln -sf "$(find /usr/include -name "$header" | head -n 1)" "$include/"
    done
    ln -sfn /usr/include/linux "$include/linux" && ln -sfn /usr/include/asm-generic "$include/asm-generic" &&
        ln -sfn "/usr/include/$(gcc -dumpmachine)/asm" "$include/asm"
    cmake -S . -B "$work/build" -G Ninja -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_C_FLAGS="-idirafter $include" -DSUMI_CLI=OFF \
        -DSUMI_WERROR=ON && ninja -C "$work/build" sumi_static
}
try "musl, libsumi.a" musl
exit "$failed"
