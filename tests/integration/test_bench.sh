#!/usr/bin/env bash
# test_bench.sh - what `sumi bench` prints: the keys that scripts read, and figures that fit together. Speed itself is
# no test's affair.
set -uo pipefail
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=tests/golden/tiny/gemma3.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() { echo "FAILED: $*"; failed=1; }

# is FILE CONDITION: jq's condition holds for the JSON object in FILE.
is() {
    jq -e "$2" "$1" >/dev/null || { complain "$(basename "$1"): not true: $2"; jq -c . "$1"; }
}

small=(--prompt 5,70 --gen 3 --batch 1,4 --prefill-len 16 --reps 3 -t 2)

"$sumi" bench "$model" "${small[@]}" --json >"$work/model" 2>"$work/err" || complain "bench: $(cat "$work/err")"
[ ! -s "$work/err" ] || complain "bench --json: something on stderr: $(cat "$work/err")"
is "$work/model" '.model == "'$model'" and .threads == 2 and (.isa | length > 0) and .reps == 3'
is "$work/model" '[.prompt[].n_tokens] == [5, 70] and [.decode[].batch] == [1, 4]'
is "$work/model" '[.prompt[], .decode[] | .tokens_per_s, .ms_per_step, .bytes_per_token, .gb_per_s, .gops] | all(. > 0)'
is "$work/model" '.load.ms > 0 and .load.gb_per_s > 0'
is "$work/model" '.limits.read_gb_per_s > 0 and .limits.f32_gops > 0'
is "$work/model" '.limits as $l | [.decode[] | .share_of_bandwidth * $l.read_gb_per_s / .gb_per_s] | all(. > 0.999 and . < 1.001)'
is "$work/model" '[.prompt[], .decode[] | .share_of_gops] | all(. > 0)'
# One token of one sequence reads all weights; four sequences share them, but not their keys and values.
is "$work/model" '(.decode[0].bytes_per_token) as $one | .decode[1].bytes_per_token | . > $one / 4 and . < $one'
# tokens_per_s is the total over the batch.
is "$work/model" '[.decode[] | .tokens_per_s * .ms_per_step / 1000 / .batch] | all(. > 0.999 and . < 1.001)'

"$sumi" bench "$model" "${small[@]}" --no-limits --json >"$work/plain" || complain 'bench --no-limits'
is "$work/plain" '.limits == null and .decode[0].share_of_bandwidth == null and .decode[0].tokens_per_s > 0'

# Rows of a step: its cost is relative to the first number's, and their tokens share one reading of the weights.
"$sumi" bench "$model" --prompt 0 --gen 3 --batch 1 --rows 1,3,40 --prefill-len 16 --reps 1 -t 1 --no-limits --json >"$work/rows" ||
    complain 'bench --rows'
is "$work/rows" '[.rows[].rows] == [1, 3, 40] and .rows[0].cost == 1'
is "$work/rows" '.rows[0].ms_per_step as $one | [.rows[] | .ms_per_step / $one / .cost] | all(. > 0.999 and . < 1.001)'
is "$work/rows" '.rows[2].bytes_per_token < .rows[0].bytes_per_token / 30'
is "$work/model" '.rows == [] and .decode[0].cost == null'
"$sumi" bench "$model" --rows 2 --gen 0 >"$work/table" 2>&1
[ $? = 2 ] || complain "bench --rows --gen 0: $(cat "$work/table")"

# The cache holds all sequences at their full length, whatever a token takes in it.
full=(--prompt 5 --gen 3 --batch 32 --prefill-len 160 --reps 1 -t 1 --no-limits)
for family in deepseek2 gemma3 llama-yarn; do
    for activations in auto f32; do
        "$sumi" bench "tests/golden/tiny/$family.gguf" "${full[@]}" --activations "$activations" >"$work/table" 2>&1 ||
            complain "bench $family --activations $activations: $(cat "$work/table")"
    done
done

"$sumi" bench "$model" "${small[@]}" --isa ref >"$work/table" 2>&1 || complain "bench --isa ref: $(cat "$work/table")"
[ "$(grep -cE '^  (prompt|decode) +[0-9]+( +[0-9.]+%?){7}$' "$work/table")" = 4 ] || { complain 'the table'; cat "$work/table"; }

"$sumi" bench --hardware -t 2 --json >"$work/hardware" 2>"$work/err" || complain "bench --hardware: $(cat "$work/err")"
[ ! -s "$work/err" ] || complain "bench --hardware: something on stderr: $(cat "$work/err")"
is "$work/hardware" '.threads == 2 and .fork_join_us > 0 and [.read[].memory] == ["L1", "L2", "L3", "DRAM"]'
is "$work/hardware" '[.read[] | .bytes_per_thread, .one_gb_per_s, .all_gb_per_s] | all(. > 0)'
is "$work/hardware" '[.rates[] | .one_gops, .all_gops] | all(. > 0)'
# Every instruction set that Linux reports has its rate, and no other.
for pair in avx2:avx2:int8 avx2:avx2:f32 avx_vnni:avxvnni:int8 avx512f:avx512:f32 avx512_vnni:avx512:int8 \
    avx512_bf16:avx512:bf16 amx_int8:amx:int8 amx_bf16:amx:bf16; do
    IFS=: read -r flag level type <<<"$pair"
    want=0
    if grep -m1 '^flags' /proc/cpuinfo | grep -qw "$flag"; then want=1; fi
    is "$work/hardware" "[.rates[] | select(.level == \"$level\" and .type == \"$type\")] | length == $want"
done

"$sumi" bench --hardware -t 1 >"$work/table" 2>&1 || complain 'bench --hardware'
[ "$(grep -cE '^  (L1|L2|L3|DRAM) +[0-9]+( +[0-9.]+){2}$' "$work/table")" = 4 ] || { complain 'the hardware table'; cat "$work/table"; }

exit $failed
