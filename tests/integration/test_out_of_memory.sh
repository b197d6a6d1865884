#!/usr/bin/env bash
# test_out_of_memory.sh - allocations of the program fail in turn: it says so in one line and ends with 1, or does the same
# as always.
set -uo pipefail
failing=$(dirname "$SUMI_PROGRAM")/tests/sumi_failing
model=tests/golden/tiny/llama-linear.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# NAME STRIDE COMMAND...: every STRIDE-th allocation of the command.
fail_in_turn() {
    local name=$1 stride=$2 n i code
    shift 2
    SUMI_COUNT_ALLOC=$work/count timeout 60 "$failing" "$@" >"$work/right" 2>"$work/err" </dev/null ||
        { echo "$name: $(cat "$work/err")"; failed=1; return; }
    n=$(cat "$work/count")
    for ((i = 1; i <= n; i += stride)); do
        SUMI_FAIL_ALLOC=$i timeout 60 "$failing" "$@" >"$work/out" 2>"$work/err" </dev/null
        code=$?
        [ $code = 0 ] && cmp -s "$work/out" "$work/right" && continue
        [ $code = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && continue
        echo "$name: allocation $i of $n fails: exit code $code, $(head -c 200 "$work/err")"
        failed=1
    done
    echo "$name: $n allocations"
}

fail_in_turn "info" 1 info $model
fail_in_turn "info --json" 3 info $model --json
fail_in_turn "logits" 5 logits $model --ids "1 2 3" --out "$work/x.npy"
fail_in_turn "run" 5 run $model --raw -p abc -n 4 --temp 0 -t 1
exit $failed
