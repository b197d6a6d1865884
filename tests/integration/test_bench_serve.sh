#!/usr/bin/env bash
# test_bench_serve.sh - sumi bench serve answers every request, tells the figures it promises, and the answers are the same
# whatever the engine does: batches, prefixes, chunks of prompts, preemption.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=tests/golden/tiny/llama-linear.gguf
failed=0

hash_of() { # options; checks that all requests were answered
    local out
    out=$("$sumi" bench serve $model -t 2 --requests 40 --concurrency 12 --prompt-len uniform:5..60 \
        --gen-len uniform:2..60 --shared-prefix 40 --max-seqs 8 --token-budget 64 --json "$@") || { echo "$out"; return; }
    python3 - "$out" <<'PYTHON'
import json, sys
j = json.loads(sys.argv[1])
for key in "mean", "p50", "p90", "p99":
    for name in "ttft_ms", "tbt_ms", "e2e_ms":
        assert j[name][key] > 0, (name, key)
assert j["completed"] == 40 and j["failed"] == 0
assert j["output_tokens_per_s"] > 0 and j["total_tokens_per_s"] > j["output_tokens_per_s"]
assert 0 <= j["kv"]["waste"] < 1 and 0 < j["kv"]["peak_use"] <= 1
print(j["answers_hash"], j["prefix_hit_tokens"] > 0, j["preemptions"] > 0)
PYTHON
}
expect() { # WANT OPTION...
    local want=$1 got
    shift
    got=$(hash_of "$@")
    [ "$got" = "$want" ] || { echo "FAILED: bench serve $*: '$got', not '$want'"; failed=1; }
}
plain=$(hash_of --no-prefix-cache | cut -d' ' -f1)
expect "$plain True False"
expect "$plain False False" --no-prefix-cache --no-chunking
expect "$plain False False" --no-prefix-cache --static-batching
expect "$plain True False" --stall 0
expect "$plain False True" --no-prefix-cache --kv-memory 96K --spec off
expect "$plain False True" --no-prefix-cache --kv-memory 96K --swap-memory 1M --spec off
"$sumi" bench serve $model --requests 10 --rate 500 --prompt-len lognormal:40,0.5 | grep -q 'sequences in a step' ||
    { echo "FAILED: no chart"; failed=1; }
for bad in '--prompt-len 0' '--prompt-len uniform:9..2' '--gen-len file:/nowhere' '--rate 1 --concurrency 2' '--max-seqs 512'; do
    "$sumi" bench serve $model $bad >/dev/null 2>&1
    [ $? = 2 ] || { echo "FAILED: bench serve $bad was not refused"; failed=1; }
done
exit $failed
