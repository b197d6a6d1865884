#!/usr/bin/env bash
# test_habits.sh - words of llama.cpp, Ollama and vLLM that mean the same here (src/cli/options/habits.c), `help`, `ps`, --api-key.
set -uo pipefail
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=tests/golden/tiny/qwen2-tied.gguf
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
failed=0
complain() { echo "FAILED: $*"; failed=1; }

# same "WORDS OF OURS" "WORDS OF OTHERS"...: the same output, without the times.
same() {
    local ours=$1 want got
    want=$(eval "'$sumi' $ours" </dev/null 2>&1 | sed 's/"timings":{[^}]*}//')
    [ -n "$want" ] || complain "sumi $ours: prints nothing"
    shift
    for theirs; do
        got=$(eval "'$sumi' $theirs" </dev/null 2>&1 | sed 's/"timings":{[^}]*}//')
        [ "$got" = "$want" ] || complain "'sumi $theirs' is not 'sumi $ours':"$'\n'"$got"$'\n'"$want"
    done
}
m="'$model'"
same "run $m --raw -p hello --json --seed 5 --ctx 40 -n 4" \
    "run $m hello --raw --json -s 5 -c 40 --n-predict 4" \
    "run $m --raw hello --json --seed=5 --ctx-size=40 --predict=4" \
    "run -m $m --raw -p hello --json --seed 5 --max-model-len 40 --max_tokens 4 -ngl 0" \
    "chat --model $m --raw -p hello --json -s5 -c40 -n4 --n-gpu-layers=0"
same "run $m --raw hello --json --seed 5 --temp 1.5 -n 4 --repeat-penalty 1.1 --stop x" \
    "run $m --raw hello --json --seed 5 --temperature 1.5 -n 4 --repetition-penalty 1.1 --reverse-prompt x"
same "info $m" "show $m" "show -m $m"
same "list" "ls"
same "--version" "version" "-v" "-V"
same "--help" "help" "-h"
for command in run serve ps pull list rm info tokenize detokenize template logits convert embed eval bench 'bench serve'; do
    same "$command --help" "help $command" "$command -h"
done
same "serve --help" "help server"

# What the table says is ours is an option of some command.
for command in run serve pull convert embed eval bench 'bench serve'; do "$sumi" help $command; done >"$work/help"
for option in $(sed -nE 's/^ +\{ "-[^"]*", "(--[a-z-]+)".*/\1/p' src/cli/options/habits.c); do
    [ "$option" = --temperature ] || grep -qE -e "$option(=|\[|,| |$)" "$work/help" || complain "habits.c: no command has $option"
done

# A server with one key, given directly.
"$sumi" serve "$model" --port 0 --served-model-name tiny --api-key secret -c 64 -np 2 >"$work/out" 2>"$work/log" &
server=$!
for _ in $(seq 600); do
    if grep -q serving "$work/out" || ! kill -0 $server 2>/dev/null; then break; fi
    sleep 0.1
done
url=$(sed -n 's/.* on //p' "$work/out")
grep -q '^sumi: serving tiny on ' "$work/out" || complain "serve: $(cat "$work/out" "$work/log")"
[ "$("$sumi" ps --url "$url" 2>&1)" = "sumi: $url: the server needs a key that may use /stats: set SUMI_API_KEY" ] ||
    complain "ps without the key: $("$sumi" ps --url "$url" 2>&1)"
SUMI_API_KEY=wrong "$sumi" ps --url "$url" >/dev/null 2>&1 && complain "a wrong key is good enough"
SUMI_API_KEY=secret "$sumi" ps --url "$url" >"$work/ps" 2>&1 || complain "ps: $(cat "$work/ps")"
grep -qE '^tiny +ready +0 +0 +64 +[0-9]+ s +http://' "$work/ps" || complain "ps: $(cat "$work/ps")"
SUMI_API_KEY=secret "$sumi" ps --url "$url/" --json | jq -e '.model == "tiny" and .sequences.max == 2' >/dev/null || complain 'ps --json'
kill -HUP "$server" # the key stays when keys are read again
sleep 0.2
SUMI_API_KEY=secret "$sumi" ps --url "$url" >/dev/null 2>&1 || complain 'the key is gone after SIGHUP'
kill "$server"
wait "$server"
server=
exit $failed
