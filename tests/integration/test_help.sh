#!/usr/bin/env bash
# test_help.sh - help wraps to the width of the terminal, and never cuts an example: copied, each works.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
failed=0
complain() { echo "FAILED: $*"; failed=1; }
commands=(run serve ps pull list rm info tokenize detokenize template logits convert embed eval bench 'bench serve')

for command in "${commands[@]}"; do
    wide=$(COLUMNS=200 "$sumi" $command --help)
    grep -q '^  .*sumi ' <<<"$wide" || complain "$command: no example"
    for width in 60 80; do
        narrow=$(COLUMNS=$width "$sumi" $command --help)
        # Indented lines behind the options, "Example:" and what follows, are the same at any width.
        diff <(sed '1,/--help/d' <<<"$wide" | grep '^ ') <(sed '1,/--help/d' <<<"$narrow" | grep '^ ') >/dev/null ||
            complain "$command: examples differ at $width columns"
        # All else fits.
        sed '/--help/,$d' <<<"$narrow" | grep -v '^Usage:' | grep -qE "^.{$((width + 1))}" && complain "$command: wider than $width columns"
    done
done

# expect COMMAND LINE...: whole lines at any width.
expect() {
    local command=$1 width line
    shift
    for width in 60 80 200; do
        for line; do
            COLUMNS=$width "$sumi" $command --help | grep -qxF -e "$line" || complain "$command at $width columns: no line '$line'"
        done
    done
}
expect serve "  curl localhost:8080/v1/chat/completions -H 'Content-Type: application/json' \\" \
    "    -d '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'"
expect template "  echo '[{\"role\": \"user\", \"content\": \"Hi\"}]' | sumi template smollm2 --messages -"
expect logits '  sumi logits smollm2 --ids "$(echo Hello | sumi tokenize smollm2)" --out hello.npy'
expect convert '  sumi convert Qwen3-0.6B qwen3.gguf                  the same numbers in one file'
expect embed '  sumi embed smollm2 corpus.txt --npy corpus.npy     in Python: numpy.load("corpus.npy")'
expect 'bench serve' '  sumi bench serve smollm2 --requests 100 --concurrency 16 --gen-len uniform:10..200'

COLUMNS=80 "$sumi" --help | grep -E '^.{81}' && complain '--help is wider than 80 columns'
COLUMNS=80 "$sumi" --help | grep -qE '^  bench +serve MODEL ' || complain '--help: no word of bench serve'
[ "$("$sumi" help help)" = "$("$sumi" --help)" ] || complain 'help help is not --help'
"$sumi" help nonsense 2>&1 | grep -q "unknown command 'nonsense'" || complain 'help nonsense'
"$sumi" bench x --prompt -1 2>&1 | grep -q 'from 1 to 1048576; 0 alone measures no prompts' || complain 'bench --prompt -1: no range'
"$sumi" bench --help | grep -q 'sumi bench serve' || complain 'bench --help: no word of bench serve'
exit $failed
