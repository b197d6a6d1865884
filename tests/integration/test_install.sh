#!/usr/bin/env bash
# test_install.sh - an installed sumi is complete: a program builds against it with pkg-config alone and with CMake's
# find_package(), shared and static, and the manual and the completion are where the system looks for them.
set -eu
build=$(dirname "$SUMI_PROGRAM")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }

cmake --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mv "$work/first" "$work/usr"    # the tree may be moved after installation
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig

for file in bin/sumi lib/libsumi.so lib/libsumi.so.0.1 lib/libsumi.a include/sumi.h share/doc/sumi/LICENSE \
    share/man/man1/sumi.1 share/bash-completion/completions/sumi; do
    [ -e "$work/usr/$file" ] || fail "not installed: $file"
done
[ "$(find "$work/usr/include" -type f)" = "$work/usr/include/sumi.h" ] || fail "more than one header is installed"
version=$(pkg-config --modversion sumi)
[ "$("$work/usr/bin/sumi" --version)" = "sumi $version" ] || fail "sumi --version is not $version, as pkg-config says"

[ "$(pkg-config --cflags sumi | xargs)" = "-I$work/usr/lib/pkgconfig/../../include" ] || fail "sumi.pc passes on flags of other libraries"
PKG_CONFIG_LIBDIR=$PKG_CONFIG_PATH pkg-config --static --libs sumi >"$work/libs" || fail "sumi.pc needs other .pc files"

# A sanitized library needs the sanitizer in the program too; the compiler and its flags are those of the build.
cc=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
sanitize=$(sed -n 's/^SUMI_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
flags=(-std=gnu17 -Wall -Wextra -Werror ${sanitize:+-fsanitize=$sanitize})
hello=examples/hello.c
"$cc" "${flags[@]}" $hello $(pkg-config --cflags --libs sumi) -Wl,-rpath,"$work/usr/lib" -o "$work/hello.shared"
libs=$(pkg-config --static --cflags --libs sumi)
"$cc" "${flags[@]}" $hello ${libs/-lsumi/-l:libsumi.a} -o "$work/hello.static"
ldd "$work/hello.static" | grep -q libsumi && fail "hello.static needs libsumi.so"
ldd "$work/hello.shared" | grep -q "$work/usr/lib.*/libsumi.so.0.1" || fail "hello.shared does not use the installed library"

# The same by CMake, which also refuses a version whose interface is another one.
mkdir "$work/app"
cat >"$work/app/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(app C)
find_package(sumi 0.99 QUIET)
if(sumi_FOUND)
  message(FATAL_ERROR "found as 0.99")
endif()
find_package(sumi $version REQUIRED)
foreach(kind sumi shared static)
  add_executable(hello.cmake.\${kind} $PWD/$hello)
  target_link_libraries(hello.cmake.\${kind} PRIVATE sumi::\${kind})
endforeach()
END
{ cmake -S "$work/app" -B "$work/app/build" -DCMAKE_PREFIX_PATH="$work/usr" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="${sanitize:+-fsanitize=$sanitize}" && cmake --build "$work/app/build"; } >"$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }

for hello in "$work"/hello.{shared,static} "$work"/app/build/hello.cmake.{sumi,shared,static}; do
    status=0
    "$hello" "$work/no-such-file.gguf" hi 2>"$work/err" || status=$?
    [ "$status" = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] || fail "$hello: a missing model should give one line and status 1"
done
echo "installed, moved, linked both ways"
