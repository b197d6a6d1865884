#!/usr/bin/env bash
# test_bad_use.sh - every mistake gets exactly one line on stderr that names the thing, and the right exit code:
# 1 when the work failed, 2 when the arguments are wrong.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# bad CODE PATTERN ARGUMENT...
bad() {
    local code=$1 pattern=$2 got
    shift 2
    "$sumi" "$@" </dev/null >"$work/out" 2>"$work/err"
    got=$?
    if [ $got != "$code" ] || [ "$(wc -l <"$work/err")" != 1 ] || ! grep -qE "^sumi.*: .*$pattern" "$work/err"; then
        echo "FAILED: sumi $*"
        echo "  exit code $got, not $code; or not one line with /$pattern/:"
        sed 's/^/  | /' "$work/err"
        failed=1
    fi
    if [ -s "$work/out" ]; then echo "FAILED: sumi $*: something on stdout"; failed=1; fi
}

# The program.
bad 2 'which command'
bad 2 "unknown command 'fly'" fly
bad 2 "unknown command '--fly'" --fly
bad 2 "unknown command 'lisst'; did you mean 'list'" lisst
bad 2 "no command 'quantize': 'sumi convert" quantize "$model"
bad 2 "no command 'push'" push "$model"
bad 2 'one argument too many' help bench serve x

# Arguments.
bad 2 'which MODEL' run
bad 2 "no option '--fly'" run "$model" --fly
bad 2 "no option '--fly'" run "$model" --fly=3
bad 2 "no option '-q'" run -q "$model"
bad 2 "no option '--tmep'; did you mean '--temp'" run "$model" --tmep 1
bad 2 "no option '--sys'; did you mean '--system'" run "$model" --sys Hello
bad 2 "no option '-temp'; did you mean '--temp'" run "$model" -temp 1
bad 2 'one argument too many' run "$model" 'a prompt' 'another one'
bad 2 'give a prompt or -f' run "$model" 'a prompt' -f y
bad 2 '-ngl: sumi computes on processors only' run "$model" -p x -ngl 99
bad 2 '-hf: .*sumi pull hf:OWNER/NAME' run -hf a/b -p x
bad 2 '--grammar: .*grammar' run "$model" -p x --grammar=g
bad 2 '--gpu-memory-utilization: .*--kv-memory' serve "$model" --gpu-memory-utilization 0.9
bad 2 "ctx: '4k' is not a whole number" run "$model" -p x --ctx-size=4k
bad 2 "ctx: '4k' is not a whole number" run "$model" -p x -c4k
bad 2 "seed: 'x' is not a whole number" run "$model" -p x -s x
bad 2 "top-k: 'x' is not a whole number" run "$model" -p x --top_k x
bad 2 '-c needs a value' run "$model" -p x -c
bad 2 '--model needs a value, MODEL' run --model
bad 2 "no option '--ctx-size'" info "$model" --ctx-size 5
bad 2 'max-body: 2000000T is more than 1T' serve "$model" --max-body 2000000T
bad 2 'max-body: 1152921504606846976 is more' serve "$model" --max-body 1152921504606846976
bad 2 "api-key: a key has" serve "$model" --api-key 'a b'
bad 2 "url: 'x' is not an http" ps --url x
bad 1 'no server answers at http://127.0.0.1:1;' ps --url http://127.0.0.1:1
bad 2 '--prompt needs a value' run "$model" --prompt
bad 2 '-n needs a value' run "$model" -n
bad 2 '--raw takes no value' run "$model" --raw=yes
bad 2 "temp: 'warm' is not a number" run "$model" -p x --temp warm
bad 2 "temp: 'nan'|temp: nan" run "$model" -p x --temp nan
bad 2 "top-k: '1.5' is not a whole number" run "$model" -p x --top-k 1.5
bad 2 'top-p: 1.5 is not between 0 and 1' run "$model" -p x --top-p 1.5
bad 2 "seed: '-1'" run "$model" -p x --seed=-1
bad 2 "max-tokens: 'ten' is not a whole number" run "$model" -p x -n ten
bad 2 "threads: 'many' is not a whole number" run "$model" -p x -t many
bad 2 'threads: 100000 is not between' run "$model" -p x -t 100000
bad 2 "ctx: '4k' is not a whole number" run "$model" -p x --ctx 4k
bad 2 "kv-memory: 'lots' is not a size" run "$model" -p x --kv-memory lots
bad 2 "activations: 'f16' is neither" run "$model" -p x --activations f16
bad 2 "numa: 'on' is neither" run "$model" -p x --numa on
bad 2 '--pin takes no value' run "$model" -p x --pin=yes
bad 1 'threads cannot have a processor each' run "$model" -p x -n 1 --pin -t $(($(nproc) + 1))
bad 2 "log-level: 'loud' is none of" run "$model" -p x --log-level loud
bad 2 'stop: the text is empty' run "$model" -p x --stop ''
bad 2 'give a prompt or -f' run "$model" -p x -f y
bad 2 'logprobs needs --json' run "$model" -p x --logprobs 3
bad 2 'system needs the chat template' run "$model" -p x --raw --system y

# Files.
bad 1 'no-such-file.gguf: No such file' run "$work/no-such-file.gguf" -p x
bad 1 'no model of this name' run no-such-model -p x
bad 1 'no-such-prompt: No such file' run "$model" -f "$work/no-such-prompt"
echo "This is a text, not a model. It is long enough to hold a header." >"$work/text.gguf"
bad 1 'text.gguf: .*GGUF' run "$work/text.gguf" -p x
: >"$work/empty.gguf"
bad 1 'empty.gguf: ' run "$work/empty.gguf" -p x
head -c 4000000 "$model" >"$work/short.gguf"
bad 1 'short.gguf: ' run "$work/short.gguf" -p x
head -c 1000 "$model" >"$work/shorter.gguf"
bad 1 'shorter.gguf: ' run "$work/shorter.gguf" -p x
mkdir "$work/folder.gguf"
bad 1 'folder.gguf: ' run "$work/folder.gguf" -p x

# Models from elsewhere.
export HF_ENDPOINT=http://127.0.0.1:1 OLLAMA_REGISTRY=http://127.0.0.1:1
bad 2 'which MODEL' pull
bad 2 "no option '--fly'" pull --fly
bad 2 'one argument too many' pull hf:a/b hf:c/d
bad 2 "sha256: '12' is not 64" pull https://a.invalid/b.gguf --sha256 12
bad 2 'are for URLs' pull hf:a/b --check-sha256
bad 2 "endpoint: 'ftp://x' is not an http" pull hf:a/b --endpoint ftp://x
bad 2 'timeout: 0 is not between' pull hf:a/b --timeout 0
bad 1 'connect' pull smollm2 --retries 0
bad 1 "'a/b' is not a reference to a model; did you mean 'hf:a/b' or 'ollama:a/b'" pull a/b
bad 1 "no model of this name.*; did you mean '" run "$(basename "$model" | sed 's/l/k/; s/.gguf//')" -p x
bad 1 'hf:OWNER/NAME' pull hf:a
bad 1 'hf:OWNER/NAME' pull hf:../b
bad 1 'connect' pull hf:a/b --retries 0
bad 1 'connect' pull ollama:a --retries 0
bad 1 'is not downloaded; run: sumi pull hf:a/b:Q4_0' run hf:a/b:Q4_0 -p x
bad 2 'which model' rm
bad 2 "no option '--fly'" list --fly
bad 2 'no place for|too many' list x
bad 1 'no model of this name' rm --yes no-such-model

# The other commands.
for command in info tokenize detokenize template logits convert embed eval bench; do
    bad 2 'MODEL|perplexity|FILE' $command
    bad 2 "no option '--fly'" $command --fly
done
for command in info tokenize detokenize 'bench --json' 'logits --ids 1 --out x.npy' 'embed' 'eval perplexity -f CMakeLists.txt'; do
    bad 1 'no model of this name' $command no-such-model
done
bad 1 'GGUF' info "$work/text.gguf"
bad 2 'one argument too many|no place for' info "$model" "$model"
bad 2 "bogus" eval bogus "$model"
bad 1 'messages.json: No such file' template "$model" --messages "$work/messages.json"
echo '{"role": ' >"$work/messages.json"
bad 1 'messages.json' template "$model" --messages "$work/messages.json"
bad 2 'which OUT.gguf' convert "$model"
bad 2 "'Q9' is not a type" convert "$model" "$work/x.gguf" --type Q9
bad 2 "no place for 'c'" convert a b c
bad 1 'no model of this name' convert no-such-model "$work/x.gguf"
bad 1 'the file exists; --force' convert "$model" "$work/text.gguf"
bad 1 'No such file' convert "$model" "$work/no-such-folder/x.gguf"
mkdir "$work/empty" "$work/pickle"
bad 1 'no model: a Hugging Face folder has config.json' info "$work/empty"
echo '{"architectures": ["LlamaForCausalLM"]}' >"$work/pickle/config.json"
bad 1 'no model.safetensors' run "$work/pickle" -p x
echo x >"$work/pickle/pytorch_model.bin"
bad 1 'pickle file .pytorch_model.bin., which can run any code' run "$work/pickle" -p x
bad 1 'a pickle file, which can run any code' info "$work/pickle/pytorch_model.bin"
bad 2 "'max' is not mean, last or cls" embed "$model" --pooling max
bad 2 "no place for 'b'" embed "$model" a b
bad 1 'no-such-lines: No such file' embed "$model" "$work/no-such-lines"
bad 2 "hardware takes no MODEL: 'x'" bench --hardware x
bad 2 'batch: .*0' bench "$model" --batch 0
bad 2 'hardware takes no value' bench --hardware=yes
bad 2 "threads: 'all'" bench --hardware -t all

# Limits.
for i in $(seq 200); do echo "Too long, line $i."; done >"$work/long"
bad 1 'the prompt has [0-9]+ tokens.* context .*256' run "$model" -f "$work/long" --ctx 256
bad 1 'kv cache' run "$model" -f "$work/long" --kv-memory 1M
bad 1 'kv cache' run "$model" -p x --kv-memory 1K
bad 1 'the prompt is empty' run "$model"
bad 1 'is not valid UTF-8' run "$model" -p x --stop $'\xff'
SUMI_ISA=pentium bad 1 'pentium' run "$model" -p x

# A file of a family that sumi does not know: said before what else is strange in it.
{
    printf 'GGUF\3\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0'
    printf '\24\0\0\0\0\0\0\0general.architecture\10\0\0\0\5\0\0\0\0\0\0\0rwkv7'
} >"$work/rwkv.gguf"
bad 1 "architecture 'rwkv7' is not supported; known: .*llama" run "$work/rwkv.gguf" -p x

exit $failed
