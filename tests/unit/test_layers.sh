#!/usr/bin/env bash
# test_layers.sh - the layout of src/ is its architecture: a room includes only itself, sumi.h and rooms below it, and
# each folder says in its README.md what lives there.
set -eu
rooms=(base format text quant convert kv backend model sample engine store server cli)    # lowest first
failed=0
complain() { echo "$*"; failed=1; }

rank() {
    local i
    for i in "${!rooms[@]}"; do [ "${rooms[$i]}" != "$1" ] || { echo "$i"; return; }; done
    echo -1
}

for folder in src/*/; do
    room=$(basename "$folder")
    [ "$(rank "$room")" -ge 0 ] || complain "src/$room has no place in the order of rooms (${rooms[*]})"
done

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
    [ "$(rank "${included%%/*}")" -le "$(rank "$room")" ] || complain "$file includes \"$included\": $room lies below ${included%%/*}"
done < <(find src -name '*.[ch]' -exec sed -nE 's|^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*|{} \1|p' {} \;)
[ "$n_includes" -gt 50 ] || complain "only $n_includes includes found: this test looks at nothing"

# Sources of the library keep away from what belongs to programs.
for file in $(find src -name '*.[ch]' -not -path 'src/cli/*'); do
    if grep -nE '(^|[^a-z_])(exit|abort|printf|puts|perror)[[:space:]]*\(' "$file" | grep -vE '^[0-9]+:[[:space:]]*(\*|/\*|//)'; then
        complain "$file: the library never prints or exits"
    fi
done

while read -r folder; do
    if [ ! -e "$folder/README.md" ]; then
        complain "$folder has no README.md"
    elif [ "$(wc -l <"$folder/README.md")" -lt 5 ] || [ "$(wc -l <"$folder/README.md")" -gt 40 ]; then
        complain "$folder/README.md has $(wc -l <"$folder/README.md") lines; a page of 10 to 30 is meant"
    fi
done < <(find src -type d)
exit $failed
