#!/usr/bin/env bash
# test_tokenize.sh - sumi tokenize and sumi detokenize as a user calls them, on the real vocabularies.
set -eu
sumi=${SUMI_PROGRAM:?set by ctest}
export SUMI_MODELS=${SUMI_MODELS:-$PWD/models}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }
equal() { [ "$1" = "$2" ] || fail "expected '$2', got '$1'"; }

# The ids are those of the golden files' oracle; here the point is the options.
equal "$(printf 'Hello  world 12<|im_end|>' | "$sumi" tokenize smollm2)" "19556 216 905 216 33 34 2"
equal "$(printf '<|im_end|>' | "$sumi" tokenize smollm2 --no-special | wc -w)" "7"
equal "$(printf 'Hello' | "$sumi" tokenize gemma3-270m)" "2 9259"
equal "$(printf 'Hello' | "$sumi" tokenize gemma3-270m --no-bos)" "9259"
equal "$(printf 'a\nb' | "$sumi" tokenize gemma3-270m --no-bos --pieces)" "$(printf '236746\t"a"\n107\t"\\u000a"\n236763\t"b"')"
equal "$(printf 'Hello' | "$sumi" tokenize gemma3-270m --json)" '{"n": 2, "ids": [2, 9259]}'
equal "$(printf '' | "$sumi" tokenize smollm2)" ""

# What tokenize makes, detokenize undoes, BOS and bytes that are not UTF-8 and all; also from JSON.
printf 'It costs 12 \xe2\x82\xac, \xe9\x00 <|im_end|> caf\xc3\xa9\n\n  <bos>x' >"$work/text"
for model in smollm2 gemma3-270m; do
    "$sumi" tokenize "$model" -f "$work/text" >"$work/ids"
    "$sumi" detokenize "$model" <"$work/ids" >"$work/back"
    cmp "$work/text" "$work/back" || fail "$model: the text did not come back"
done
equal "$(echo '[2, 9259]' | "$sumi" detokenize gemma3-270m)" "Hello"
equal "$(echo '2 9259' | "$sumi" detokenize gemma3-270m --no-bos)" "<bos>Hello"
equal "$(echo '2 9259 106' | "$sumi" detokenize gemma3-270m --no-special --no-bos)" "Hello"

# expect STATUS MESSAGE ARGUMENT...: the exit status, and one line on stderr that contains the message.
expect() {
    local want=$1 message=$2 status=0
    shift 2
    "$sumi" "$@" <"$work/input" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = "$want" ] || fail "sumi $*: status $status, expected $want: $(cat "$work/err")"
    [ "$(wc -l <"$work/err")" = 1 ] || fail "sumi $*: not one line: $(cat "$work/err")"
    grep -qF -- "$message" "$work/err" || fail "sumi $*: '$(cat "$work/err")' does not say '$message'"
    [ ! -s "$work/out" ] || fail "sumi $*: wrote something"
}
echo "1 2 x" >"$work/input"
expect 1 "word 3, 'x', is not a token id" detokenize smollm2
echo "1 49152" >"$work/input"
expect 1 "token 49152 (number 2 of 2) is outside the vocabulary of 49152 tokens" detokenize smollm2
echo "1 99999999999" >"$work/input"
expect 1 "is not a token id" detokenize smollm2
expect 1 "nowhere" tokenize nowhere
expect 1 "$work/text" tokenize "$work/text"
expect 1 "nothing.txt" tokenize smollm2 -f "$work/nothing.txt"
expect 2 "MODEL is missing" tokenize
expect 2 "MODEL is missing" detokenize
expect 2 "--bogus" tokenize --bogus smollm2
