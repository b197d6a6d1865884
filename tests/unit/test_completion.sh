#!/usr/bin/env bash
# test_completion.sh - bash completion knows every command and every long option that --help lists, and no others.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
source scripts/completion/sumi.bash
compopt() { :; } # the builtin works only while bash completes
failed=0

complete_line() { # words of the line; the last one is completed
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _sumi
    printf '%s\n' "${COMPREPLY[@]}" | sort
}
commands=$("$sumi" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort)
[ "$(complete_line sumi '' | grep -v '^--')" = "$commands" ] || { echo "FAILED: the commands differ"; failed=1; }
for command in $commands; do
    want=$("$sumi" "$command" --help | grep -oE '^ +(-[a-z], )*--[a-z0-9-]+' | grep -oE -e '--[a-z0-9-]+' | sort)
    got=$(complete_line sumi "$command" --)
    if [ "$got" != "$want" ]; then
        echo "FAILED: options of $command: help (left) and completion (right) differ:"
        diff <(echo "$want") <(echo "$got")
        failed=1
    fi
done
want=$("$sumi" bench serve --help | grep -oE '^ +(-[a-z], )*--[a-z0-9-]+' | grep -oE -e '--[a-z0-9-]+' | sort)
[ "$(complete_line sumi bench serve --)" = "$want" ] || { echo "FAILED: the options of bench serve differ"; failed=1; }
exit $failed
