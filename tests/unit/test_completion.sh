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
commands=$("$sumi" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p' | sort -u)
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

# offers WANTED WORD...: what is offered for the last word.
offers() {
    local want=$1 got
    shift
    got=$(complete_line "$@" | tr '\n' ' ')
    [ "$got" = "$want " ] || { echo "FAILED: '$*' offers '$got', not '$want'"; failed=1; }
}
levels=$("$sumi" run --help | grep -A1 -e '--isa=' | tr '\n' ' ' | sed 's/.*set: \([a-z0-9, ]*\) (.*/\1/; s/ *, */\n/g' | sort | xargs)
offers "$levels" sumi run m --isa ''
offers 'json text' sumi serve m --log-format ''
offers 'bench' sumi help ben
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/dir"
touch "$folder/file.txt"
for option in --log-file --api-key-file; do offers "$folder/dir $folder/file.txt" sumi serve m $option "$folder/"; done
for option in --swap-dir --prefix-cache; do offers "$folder/dir" sumi serve m $option "$folder/"; done
offers "$folder/dir $folder/file.txt" sumi embed m "$folder/"
exit $failed
