#!/usr/bin/env bash
# test_readme.sh - README's section "In your own program" runs as printed: build, install, compile the example, get an answer.
#
# What would need root is led elsewhere: DESTDIR is the root of the installation, pkg-config looks there first, and `ldconfig`
# tells the loader of the folder.
set -euo pipefail
. tests/support/readme.sh
setting() { sed -n "s/^$1:[A-Z]*=//p" build/release/CMakeCache.txt; }
fail() { echo "$*"; exit 1; }
[ "$(dirname "$SUMI_PROGRAM")" -ef build/release ] || { echo "skipped: README's commands are those of the preset release"; exit 0; }
[ models -ef "${SUMI_MODELS:-models}" ] || { echo "skipped: README's commands look into models/, not $SUMI_MODELS"; exit 0; }
[ -r models/smollm2.gguf ] || fail "models/smollm2.gguf is missing: run scripts/fetch-model smollm2"

commands=$(readme_commands "In your own program")
for word in 'cmake --install' 'cc examples/hello.c' './hello'; do
    [[ $commands == *"$word"* ]] || fail "README's section has no command '$word': $commands"
done

work=$(mktemp -d)
clean_up() {
    rm -f hello
    [ ! -e "$work/hello" ] || mv "$work/hello" .    # somebody else's
    rm -rf "$work"
}
trap clean_up EXIT
[ ! -e hello ] || mv hello "$work/"

export DESTDIR=$work/root
lib=$DESTDIR$(setting CMAKE_INSTALL_PREFIX)/$(setting CMAKE_INSTALL_LIBDIR)
export PKG_CONFIG_PATH=$lib/pkgconfig
unset LD_LIBRARY_PATH
ldconfig() { export LD_LIBRARY_PATH=$lib; }
eval "$commands" </dev/null >"$work/out" 2>"$work/err" || { tail -n 20 "$work/out" "$work/err"; fail "README's commands fail: $commands"; }
[ "$(ldd hello | awk '$1 ~ /^libsumi/ { print $3 }')" -ef "$lib/libsumi.so" ] || fail "hello does not use the installed library"
grep -q scatter "$work/out" || { cat "$work/out"; fail "that is no answer about the sky"; }
echo "README's commands answer: $(tail -n 1 "$work/out")"
