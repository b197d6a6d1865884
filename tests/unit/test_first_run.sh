#!/bin/sh
# test_first_run.sh - what newcomers type first: `./run.sh --help` explains, and sets nothing up.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
fail() { echo "$*" >&2; exit 1; }

# With an empty PATH no apt-get, cmake or pip could be called.
bash=$(command -v bash) tools=$(mktemp -d)
trap 'rm -r "$tools"' EXIT
for tool in cat dirname; do ln -s "$(command -v $tool)" "$tools/"; done
for option in --help -h help; do
    told=$(PATH=$tools "$bash" "$root/run.sh" $option 2>&1) || fail "run.sh $option: exit code $?: $told"
    case $told in
    "Usage: ./run.sh"*) ;;
    *) fail "run.sh $option: $told" ;;
    esac
done
