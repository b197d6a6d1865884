#!/usr/bin/env bash
# test_output.sh - what is written when there is no room, what fits 80 columns, and numbers that are numbers.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=tests/golden/tiny/qwen2-tied.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() { echo "FAILED: $*"; failed=1; }
ids=$(seq -s ' ' 1 60)
for i in $(seq 20); do echo "line $i"; done >"$work/text"
input=$work/text

# full COMMAND...: standard output is full: exit code 1, and one line says so.
full() {
    local code
    "$sumi" "$@" <"$input" >/dev/full 2>"$work/err"
    code=$?
    [ $code = 1 ] && grep -qE '^sumi: standard output: (No space left on device|writing failed)$' "$work/err" ||
        complain "sumi $* >/dev/full: exit code $code: $(cat "$work/err")"
}
full --help
full --version
full run --help
full help bench serve
input=/dev/null full serve --hash-key alice
full list --json
full info "$model"
full run "$model" --raw -p hello -n 2
full eval perplexity "$model" -f "$work/text"
full bench "$model" --gen 2 --prompt 2 --batch 1 --reps 1 -t 1 --no-limits --prefill-len 2
full bench serve "$model" --requests 2 --prompt-len 4 --gen-len 2 -t 1 --ctx 64
full bench serve "$model" --requests 2 --prompt-len 4 --gen-len 2 -t 1 --ctx 64 --json
full tokenize "$model"
full embed "$model"
"$sumi" info "$model" --metadata | head -1 >/dev/null
[ "${PIPESTATUS[0]}" != 1 ] || complain 'a reader that leaves is a failure'

# A result that does not fit on the disk: the file that was there stays, and no part is left behind.
for result in "logits $model --ids '$ids' --out" "embed $model '$work/text' --npy"; do
    echo old >"$work/old.npy"
    (
        ulimit -f 1 # KiB
        trap '' XFSZ
        eval "'$sumi' $result '$work/old.npy'" 2>"$work/err"
    )
    code=$?
    [ $code = 1 ] && grep -q 'old.npy: File too large' "$work/err" || complain "$result: exit code $code: $(cat "$work/err")"
    grep -qx old "$work/old.npy" || complain "$result: the old file is gone"
    [ "$(find "$work" -name '*partial*')" = '' ] || complain "$result: a part is left behind"
    eval "'$sumi' $result '$work/old.npy'" || complain "$result"
    head -c 6 "$work/old.npy" | grep -q NUMPY || complain "$result: no NumPy file"
done

# Devices and pipes are written as they are, and stay what they are.
for result in "logits $model --ids '$ids' --out" "embed $model '$work/text' --npy"; do
    eval "'$sumi' $result /dev/null" && [ -c /dev/null ] || complain "$result /dev/null"
    eval "'$sumi' $result '$work/whole.npy'"
    eval "'$sumi' $result /dev/stdout" | cmp -s - "$work/whole.npy" || complain "$result /dev/stdout: other bytes in a pipe"
done

# Text from an editor of Windows, with a byte order mark and "\r\n", is the same text; for tokenize it is not.
printf 'Hello there\nyou two' >"$work/plain"
printf '\xef\xbb\xbfHello there\r\nyou two\r\n' >"$work/dos"
same_text() { # COMMAND with FILE in place of the text
    [ "$(eval "$1" <"$work/dos" | sed 's/"timings":{[^}]*}//; s/"seconds.*//')" = "$(eval "$1" <"$work/plain" | sed 's/"timings":{[^}]*}//; s/"seconds.*//')" ] ||
        complain "$1: CRLF and a byte order mark change the answer"
}
same_text "'$sumi' run $model --raw -f - -n 4 --json --seed 1"
same_text "'$sumi' run $model --raw -n 4 --json --seed 1"
same_text "'$sumi' embed $model"
printf '\r\n' >>"$work/dos" # eval takes the last newline, too
printf '\n\n' >>"$work/plain"
same_text "'$sumi' eval perplexity $model -f - --ctx 32"
[ "$("$sumi" tokenize "$model" <"$work/dos")" != "$("$sumi" tokenize "$model" <"$work/plain")" ] || complain 'tokenize changes its text'

# Messages: an answer that was cut, what was loaded, a failure as JSON.
"$sumi" run "$model" --raw hi -n 1 --stats 2>&1 >/dev/null | grep -qx '(cut at --max-tokens)' || complain 'run --stats does not say that -n cut the answer'
"$sumi" run "$model" --raw hi -n 1 2>&1 >/dev/null | grep -q . && complain 'run says something on stderr in a pipe'
"$sumi" run "$model" --raw hi -n 1 --log-level info 2>&1 >/dev/null |
    grep -qE '^sumi: .*: qwen2, .* loaded in [0-9]+ ms; kernels [a-z0-9]+, [0-9]+ threads; context [0-9]+ tokens, [0-9]+ MiB' ||
    complain 'run --log-level info'
"$sumi" run "$work/no\"such" --log-json hi 2>&1 | jq -e '.level == "error" and (.message | endswith(": No such file or directory") or contains("no model of this name"))' >/dev/null ||
    complain 'the error line of --log-json is no JSON'

# Numbers of work that was not done are 0.
"$sumi" run "$model" --raw -p hello -n 0 --json | jq -e '.timings.decode_per_second == 0 and .timings.prompt_per_second > 0' >/dev/null ||
    complain 'run -n 0 --json'
bench=("$model" -t 1 --reps 1 --no-limits --prefill-len 4 --json)
"$sumi" bench "${bench[@]}" --gen 0 --prompt 3 | jq -e '.decode == [] and .gen == 0 and .prompt[0].tokens_per_s > 0' >/dev/null || complain 'bench --gen 0'
"$sumi" bench "${bench[@]}" --prompt 0 --gen 2 --batch 2 | jq -e '.prompt == [] and .decode[0].tokens_per_s > 0' >/dev/null || complain 'bench --prompt 0'

# Tables fit 80 columns. A file that has two names, both found by SUMI_MODELS and as ./models, has one row, and the other name
# says that it is the same.
mkdir -p "$work/models/hf/a-rather-long-owner/A-Model-Whose-Name-Is-Long-Instruct-GGUF"
cp "$model" "$work/models/tiny.gguf"
ln "$work/models/tiny.gguf" "$work/models/hf/a-rather-long-owner/A-Model-Whose-Name-Is-Long-Instruct-GGUF/a-Q8_0.gguf"
list() { (cd "$work" && SUMI_MODELS=$work/models HOME=$work XDG_CACHE_HOME=$work/cache "$program" list "$@"); }
program=$(realpath "$sumi")
COLUMNS=80 list >"$work/list"
grep -qE '^.{81}' "$work/list" && complain "list is wider than 80 columns: $(cat "$work/list")"
[ "$(grep -c 'the same file as' "$work/list")" = 1 ] || complain "list: two names of one file: $(cat "$work/list")"
[ "$(COLUMNS=80 list | grep -c qwen2)" = 1 ] || complain "list: one file, two rows"
list | grep -q "models/tiny.gguf\|same file as" || complain 'list in a pipe shows no path'
list --json | jq -e '[.[] | .same_file_as // empty] | length == 3' >/dev/null || complain 'list --json: same_file_as'
"$sumi" bench "$model" -t 1 --reps 1 --prompt 256 --gen 2 --batch 32 --prefill-len 4 >"$work/bench"
grep -qE '^.{81}' "$work/bench" && complain "bench is wider than 80 columns: $(cat "$work/bench")"
exit $failed
