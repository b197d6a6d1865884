#!/usr/bin/env bash
# test_run.sh - `sumi run` with a prompt, on a real model: streams, ends, stops, repeats, reports.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # check WHAT CONDITION...: the condition is a command
    local what=$1
    shift
    if ! "$@"; then echo "FAILED: $what"; failed=1; fi
}
answer() { "$sumi" run "$model" -t 2 --temp 0 --activations f32 "$@" </dev/null 2>"$work/err"; }

# The model's most certain answers.
out=$(answer -p "What is the capital of France? Answer with one word." -n 20)
check "a question gets its answer: '$out'" grep -q Paris <<<"$out"
check "nothing is said on stderr" [ ! -s "$work/err" ]

out=$(answer --raw -p "1, 2, 3, 4, 5, 6," -n 12)
check "raw continues the text: '$out'" grep -q '7, 8' <<<"$out"
check "the prompt is not repeated" grep -qv '1, 2' <<<"$out"

# -p, -f and standard input are the same prompt.
printf 'Name three colours.\n' >"$work/prompt"
a=$(answer -p "Name three colours." -n 16)
check "-f gives what -p gives" [ "$a" = "$(answer -f "$work/prompt" -n 16)" ]
check "standard input gives what -p gives" [ "$a" = "$("$sumi" run "$model" --temp 0 --activations f32 -n 16 <"$work/prompt")" ]
check "the number of threads does not matter" [ "$a" = "$(answer -p "Name three colours." -n 16 -t 1)" ]
out=$(answer -p "What is your name?" -n 12 --system "You are a pirate. Say Arrr.")
check "a system message is obeyed: '$out'" grep -q Arrr <<<"$out"

# JSON.
answer -p "Name three colours." -n 16 --json --logprobs 2 >"$work/json"
check "one JSON object on one line" [ "$(wc -l <"$work/json")" = 1 ]
check "its text is the streamed text" [ "$(jq -r .text "$work/json")" = "$a" ]
check "it counts tokens" jq -e '(.tokens | length) == .usage.completion_tokens and
    .usage.total_tokens == .usage.prompt_tokens + .usage.completion_tokens' "$work/json" >"$work/null"
check "it ends at 16 tokens or by itself" jq -e '(.finish == "length" and .usage.completion_tokens == 16) or .finish == "stop"' \
    "$work/json" >"$work/null"
check "log-probabilities: greedy takes the first of the best" jq -e '(.logprobs | length) == (.tokens | length) and
    all(.logprobs[]; .id == .top[0].id and .logprob == .top[0].logprob and .top[0].logprob >= .top[1].logprob
                     and .logprob <= 0 and (.top | length) == 2)' "$work/json" >"$work/null"

# Stop strings, also across tokens: the text up to them, and nothing of them.
full=$(answer --raw -p "1, 2, 3, 4, 5, 6," -n 12)
cut=$(answer --raw -p "1, 2, 3, 4, 5, 6," -n 12 --stop "8, 9" --stop "never")
check "a stop string ends the text before it: '$cut'" [ "$cut" = "${full%%8, 9*}" ]
check "finish says so" [ "$(answer --raw -p "1, 2, 3, 4, 5, 6," -n 12 --stop "8, 9" --json | jq -r .finish)" = stop ]

# Seeds.
story() { "$sumi" run "$model" -p "Tell a story." -n 24 --temp 1.2 --top-k 0 --min-p 0 "$@" --json </dev/null; }
check "the same seed, the same tokens" [ "$(story --seed 5 | jq -c .tokens)" = "$(story --seed 5 | jq -c .tokens)" ]
check "another seed, other tokens" [ "$(story --seed 5 | jq -c .tokens)" != "$(story --seed 6 | jq -c .tokens)" ]
check "the seed is reported" [ "$(story --seed 5 | jq .seed)" = 5 ]
check "without one it is new" [ "$(story | jq .seed)" != "$(story | jq .seed)" ]

# The end of the context.
out=$(answer --raw -p "1, 2, 3," --ctx 40 --ignore-eos --json)
check "a full context ends the answer" jq -e '.finish == "length" and .usage.total_tokens == 41' <<<"$out" >"$work/null"
out=$(answer --raw -p "1, 2, 3," --kv-memory 1M --ignore-eos --json)
check "so does full key/value memory" jq -e '.finish == "length" and .usage.total_tokens < 100' <<<"$out" >"$work/null"

# A long prompt in several steps.
for i in $(seq 120); do echo "Line $i is here."; done >"$work/long"
echo "What is the number of the last line above?" >>"$work/long"
answer -f "$work/long" -n 24 --json >"$work/json"
check "a prompt of several steps" jq -e '.usage.prompt_tokens > 600' "$work/json" >"$work/null"

answer -p "Hi" -n 4 --stats >"$work/out"
check "--stats is one line with speeds" grep -qE '^[0-9]+ prompt tokens in .*/s\), 4 tokens' "$work/err"

# Ctrl-C ends the answer, and what was said is kept.
"$sumi" run "$model" -p "Count to ten thousand." --ignore-eos >"$work/out" 2>"$work/err" </dev/null &
pid=$!
for _ in $(seq 600); do [ ! -s "$work/out" ] || break; sleep 0.1; done
kill -INT "$pid"
wait "$pid"
check "Ctrl-C is exit code 130" [ $? = 130 ]
check "what was said is kept, and its line ended" [ "$(tail -c 1 "$work/out" | od -An -c | tr -d ' ')" = '\n' ]
check "nothing is said on stderr" [ ! -s "$work/err" ]

# A reader that leaves.
"$sumi" run "$model" -p "Count to one hundred." 2>"$work/err" </dev/null | head -c 1 >"$work/null"
check "a closed pipe is no noise" [ ! -s "$work/err" ]

exit $failed
