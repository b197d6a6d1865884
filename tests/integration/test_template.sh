#!/usr/bin/env bash
# test_template.sh - sumi template: exactly the text and no byte more, and one line for what goes wrong.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# good TEXT ARGUMENT...    TEXT as printf writes it
good() {
    printf "$1" >"$work/want"
    shift
    if ! "$sumi" template "$@" >"$work/out" 2>"$work/err" || ! cmp -s "$work/want" "$work/out" || [ -s "$work/err" ]; then
        echo "FAILED: sumi template $*"
        diff "$work/want" "$work/out" | sed 's/^/  | /'
        sed 's/^/  | /' "$work/err"
        failed=1
    fi
}

# bad CODE LINE ARGUMENT...    the end of the only line on stderr
bad() {
    local code=$1 line=$2 got
    shift 2
    "$sumi" template "$@" >"$work/out" 2>"$work/err"
    got=$?
    if [ $got != "$code" ] || [ "$(wc -l <"$work/err")" != 1 ] || ! grep -qF -- "$line" "$work/err"; then
        echo "FAILED: sumi template $*: exit code $got, not $code; or not one line with '$line':"
        sed 's/^/  | /' "$work/err"
        failed=1
    fi
}

cd "$work" || exit 1
echo '[{"role": "user", "content": "Grüße \u0041 {{ x }}"}]' >messages.json
echo '[{"type": "function", "function": {"name": "f"}}]' >tools.json
echo '{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ eos_token }}{{ tools[0].function.name if tools }}{{ "!" if add_generation_prompt }}' >plain.jinja
printf 'a\n{{ messages[0].nope.x }}' >undefined.jinja
printf 'a\n{%% for x %%}' >syntax.jinja
echo "{{ raise_exception('Only one system message') }}" >refuses.jinja
echo '{"role": "user"}' >object.json
echo '[{"role": ' >broken.json
echo '[1]' >numbers.json

case $sumi in /*) ;; *) sumi=$OLDPWD/$sumi ;; esac
case $model in /*) ;; *) model=$OLDPWD/$model ;; esac

good '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\nGrüße A {{ x }}<|im_end|>\n<|im_start|>assistant\n' "$model" --messages messages.json
good '<user>Grüße A {{ x }}!' --template plain.jinja --messages messages.json
good '<s><user>Grüße A {{ x }}</s>f' --template plain.jinja --messages messages.json --tools tools.json --bos '<s>' --eos '</s>' --no-generation-prompt
good '<user>Grüße A {{ x }}!' --template plain.jinja --messages - <messages.json
bad 1 "undefined.jinja: line 2: 'dict object' has no attribute 'nope'" --template undefined.jinja --messages messages.json
bad 1 "syntax.jinja: line 2: expected 'in'" --template syntax.jinja --messages messages.json
bad 1 "sumi: Only one system message" --template refuses.jinja --messages messages.json
bad 1 "messages: not an array" --template plain.jinja --messages object.json
bad 1 "messages: element 0 is not an object" --template plain.jinja --messages numbers.json
bad 1 "broken.json: line" --template plain.jinja --messages broken.json
bad 1 "standard input: line 2" --template plain.jinja --messages - <broken.json
bad 1 "nothing.jinja: No such file" --template nothing.jinja --messages messages.json
bad 1 "nothing.json: No such file" --template plain.jinja --messages nothing.json
bad 2 "MODEL or --template is missing" --messages messages.json
bad 2 "exclude each other" "$model" --template plain.jinja --messages messages.json
bad 2 "--messages is missing" "$model"
exit $failed
