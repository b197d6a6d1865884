#!/usr/bin/env bash
# test_layers.sh - the layout of src/ is its architecture. The README.md of each room (folder of src/) says which rooms it
# includes and which include it:
#
#   May include: base, format. Included by: engine, cli.
#
# This test compares these lines with the #include lines, in both directions, and looks for circles.
set -eu
failed=0
complain() { echo "$*"; failed=1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Files and the quoted names that they include: "src/kv/kv_pool.c base/mem.h". A name without a folder is in the
# same folder, or is the public header.
n_includes=0
while read -r file included; do
    n_includes=$((n_includes + 1))
    room=${file#src/} room=${room%%/*}
    case $included in
    sumi.h) continue ;;
    */*) ;;
    *) [ -e "$(dirname "$file")/$included" ] || complain "$file includes \"$included\": write \"room/$included\""; continue ;;
    esac
    [ -e "src/$included" ] || { complain "$file includes \"$included\": paths start at src/"; continue; }
    [ "${included%%/*}" = "$room" ] || echo "$room ${included%%/*} $file"
done < <(find src -name '*.[ch]' -exec sed -nE 's|^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*|{} \1|p' {} \;) >"$work/uses"
[ "$n_includes" -gt 50 ] || complain "only $n_includes includes found: this test looks at nothing"
cut -d' ' -f1,2 "$work/uses" | sort -u >"$work/is"

# rooms_after WORDS ROOM: the rooms that ROOM's README.md lists after WORDS, one in a line.
every_room=$(basename -a src/*/)
rooms_after() {
    sed -nE "s/.*$1 ([^.]*)\..*/\1/p" "src/$2/README.md" | sed 's/^nothing.*//; s/, */\n/g' |
        sed "s/^every room\$/$(echo $every_room)/" | tr ' ' '\n' | sed "/^$2\$/d; /^\$/d"
}
for room in $every_room; do
    grep -q '^May include: .*\. Included by: .*\.' "src/$room/README.md" ||
        complain "src/$room/README.md has no line \"May include: ROOM, ROOM. Included by: ROOM.\""
    rooms_after 'May include:' "$room" | sed "s/^/$room /" >>"$work/told"
    rooms_after 'Included by:' "$room" | sed "s/\$/ $room/" >>"$work/told_by"
done
differ() { comm "$1" <(sort -u "$2") <(sort -u "$3"); }
while read -r room other; do
    complain "$room includes $other ($(grep -m 1 "^$room $other " "$work/uses" | cut -d' ' -f3)): src/$room/README.md does not allow it"
done < <(differ -23 "$work/is" "$work/told")
while read -r room other; do
    complain "src/$room/README.md lists $other, which nothing in $room includes"
done < <(differ -13 "$work/is" "$work/told")
while read -r room other; do
    complain "src/$other/README.md should say that $room includes it"
done < <(differ -23 "$work/is" "$work/told_by")
while read -r room other; do
    complain "src/$other/README.md says that $room includes it: nothing does"
done < <(differ -13 "$work/is" "$work/told_by")
tsort "$work/is" >"$work/order" 2>"$work/circle" || complain "rooms include each other in a circle:" $(sed -n 's/^tsort: \([a-z_]*\)$/\1/p' "$work/circle")

# The library never prints, exits or aborts: these functions belong to the program. snprintf() and its like write to memory.
for file in $(find src -name '*.[ch]' -not -path 'src/cli/*'); do
    if grep -nE '(^|[^a-z_])(_?exit|_Exit|quick_exit|abort|v?f?printf|f?puts|f?putc|putchar|fwrite|perror|psignal)[[:space:]]*\(' "$file" |
        grep -vE '^[0-9]+:[[:space:]]*(\*|/\*|//)'; then
        complain "$file: the library never prints or exits"
    fi
done

# Settings of the library are members of option structures. sumi.h names the few variables of the environment that it reads.
for file in $(grep -rlE --include='*.[ch]' '[^a-z]getenv' src | grep -v '^src/cli/'); do
    for name in $(grep -oE '[^a-z]getenv[^)]*\)' "$file" | tr -cd 'A-Z_\n'); do
        grep -qw "$name" include/sumi.h || complain "$file: reads the environment variable $name, which sumi.h does not name"
    done
done

# A folder with more files than fit on a screen gets folders.
while read -r folder; do
    n_files=$(find "$folder" -maxdepth 1 -name '*.[ch]' | wc -l)
    [ "$n_files" -le 32 ] || complain "$folder has $n_files files: move those of one idea into a folder"
done < <(find src -type d)

while read -r folder; do
    if [ ! -e "$folder/README.md" ]; then
        complain "$folder has no README.md"
    elif [ "$(wc -l <"$folder/README.md")" -lt 5 ] || [ "$(wc -l <"$folder/README.md")" -gt 40 ]; then
        complain "$folder/README.md has $(wc -l <"$folder/README.md") lines; a page of 10 to 30 is meant"
    fi
done < <(find src -type d)
exit $failed
