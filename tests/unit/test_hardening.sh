#!/usr/bin/env bash
# test_hardening.sh - the program and the library are built as Debian's hardening asks: at addresses that change, with the
# linker's tables read-only, no executable stack, guarded stacks, checked copies, marked targets of calls; and no path of the
# machine that built them is in them.
set -euo pipefail
build=$(dirname "$SUMI_PROGRAM")
setting() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
fail() { echo "$*"; exit 1; }
sanitize=$(setting SUMI_SANITIZE)
if [ -n "$sanitize" ] || [ "$(setting SUMI_HARDENING)" = OFF ]; then
    echo "skipped: built ${sanitize:+with sanitizers}${sanitize:-without hardening}"
    exit 0
fi

for file in "$SUMI_PROGRAM" "$build/libsumi.so"; do
    readelf -Wh "$file" | grep -q 'Type: *DYN' || fail "$file: loaded at a fixed address"
    readelf -Wl "$file" >"$build/.segments"
    grep -q GNU_RELRO "$build/.segments" || fail "$file: no RELRO"
    grep GNU_STACK "$build/.segments" | grep -q 'RW  ' || fail "$file: the stack is executable"
    readelf -Wd "$file" | grep -Eq 'BIND_NOW|Flags:.* NOW' || fail "$file: symbols are bound late, so the table stays writable"
    readelf -W --dyn-syms "$file" >"$build/.symbols"
    grep -q __stack_chk_fail "$build/.symbols" || fail "$file: no stack protector"
    case $(setting CMAKE_BUILD_TYPE) in
    Release | RelWithDebInfo | MinSizeRel)
        grep -Eq '__(memcpy|snprintf|vsnprintf|memset)_chk' "$build/.symbols" || fail "$file: no _FORTIFY_SOURCE" ;;
    *) echo "$(basename "$file"): not optimised, so no _FORTIFY_SOURCE" ;;
    esac
    ! grep -aqF "$PWD/" "$file" || fail "$file: holds the path of its source"
done
rm -f "$build/.segments" "$build/.symbols"

# The linker marks a file only if the C library's start files are marked too, so the objects of libsumi are looked at.
if [ "$(setting HAVE_fcf_protection_full)" = 1 ]; then
    objects=$(ar t "$build/libsumi.a" | wc -l)
    marked=$(readelf -Wn "$build/libsumi.a" | grep -c 'x86 feature: IBT, SHSTK')
    [ "$marked" = "$objects" ] || fail "of $objects objects $marked have targets of calls marked (CET)"
fi
echo "hardened: PIE, RELRO, immediate binding, stack protector"
