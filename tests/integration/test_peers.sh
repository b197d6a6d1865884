#!/usr/bin/env bash
# test_peers.sh - compare.py and report.py, with programs in place of the peers that print what llama.cpp and
# ik_llama.cpp print: medians, the better setting, ratios, and pages that are written between their markers.
set -uo pipefail
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=tests/golden/tiny/gemma3.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() { echo "FAILED: $*"; failed=1; }
is() { jq -e "$1" "$work/result.json" >/dev/null || { complain "not true: $1"; jq -c . "$work/result.json"; }; }

# Each run of a fake is faster than the one before: 100, 200, 300 tokens/s, so that the median of three runs is 200.
# ik_llama.cpp: ten times that with repacked weights, on the prompt only; its batches are slower with them.
for name in llama.cpp ik_llama.cpp; do
    mkdir -p "$work/peers/build/$name/bin" "$work/peers/src/$name"
    echo "$name-package==1.2" >"$work/peers/src/$name/.package"
    cat >"$work/peers/build/$name/bin/llama-bench" <<'EOF'
#!/bin/sh
case "$*" in *"-rtr 1"*) n=b factor=10 ;; *) n=a factor=1 ;; esac
echo x >>"$0.$n" && speed=$(($(wc -l <"$0.$n") * 100))
echo "[{\"n_prompt\": 6, \"n_gen\": 0, \"avg_ts\": $((speed * factor))}, {\"n_prompt\": 0, \"n_gen\": 3, \"avg_ts\": $speed}]"
EOF
    cat >"$work/peers/build/$name/bin/llama-batched-bench" <<'EOF'
#!/bin/sh
case "$*" in *-rtr*) n=b speed=10 ;; *) n=a speed=20 ;; esac
echo '|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |' >&2
echo '|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|' >&2
echo "|    16 |      3 |    2 |     38 |    1.204 |   106.32 |    5.318 |  $speed.50 |    6.522 |    24.53 |" >&2
EOF
    chmod +x "$work/peers/build/$name/bin/"*
done

compare() {
    python3 bench/peers/compare.py "$@" --sumi "$sumi" --peers-dir "$work/peers" --threads 2 --prompt 6 --gen 3 --batch 2 \
        --prefill-len 16 --reps 3
}
compare "$model" --label "Tiny F16" --levels --json "$work/result.json" >"$work/table" 2>"$work/err" ||
    complain "compare.py: $(cat "$work/err")"
grep -v 'is busy' "$work/err" && complain 'compare.py: something on stderr'
is '[.rows[].what] == ["pp6", "tg3", "batch 2"]'
is '[.rows[]."llama.cpp".median] == [200, 200, 20.5]'
is '.rows[0]."llama.cpp".runs == [100, 200, 300]'
is '[.rows[]."ik_llama.cpp" | .median, .variant] == [2000, "-rtr 1", 200, "-rtr 0", 20.5, "-rtr 0"]'
is '[.rows[].sumi | .median > 0 and (.runs | length == 3)] | all'
is '.versions["ik_llama.cpp"] == "ik_llama.cpp-package 1.2" and (.versions.sumi | length > 4)'
is '.label == "Tiny F16" and .threads == 2 and .reps == 3 and (.machine.cpu | length > 0) and .machine.cpus > 0'
is '(.limits.isa != "avx512") or (.rows | all(has("sumi avx2") and (has("sumi avx512") | not)))'
[ "$(grep -cE '^(pp6|tg3|batch 2) ' "$work/table")" = 3 ] || { complain 'the table'; cat "$work/table"; }

# What the pages get is what the result says.
mkdir -p "$work/tree/docs" "$work/tree/bench/results"
cp "$work/result.json" "$work/tree/bench/results/here-tiny.json"
printf 'before\n<!-- bench/report.py results -->\nold\n<!-- end of results -->\nafter\n' >"$work/page"
cp "$work/page" "$work/tree/README.md"
{ cat "$work/page"; printf '<!-- bench/report.py http -->\n<!-- end of http -->\nafter\n'; } >"$work/tree/docs/benchmarks.md"
mkdir "$work/tree/bench/results/http"
echo '{"load_average": 0.5, "requests": 4, "concurrency": 2, "prompt_len": 8, "gen_len": 3, "threads": 2, "reps": 1, "engines":
    {"sumi serve": {"output_tokens_per_s": 123, "ttft_ms": {"mean": 45.6, "p99": 78.9}, "e2e_ms": {"p99": 90.1}, "resident_mib": 7}}}' \
    >"$work/tree/bench/results/http/here.json"
python3 bench/report.py --root "$work/tree" >"$work/tables" || complain 'report.py'
grep -F "| Tiny F16, pp6 | " "$work/tables" | head -n 1 | grep -qE '\| 200 \| [0-9.]+ \| 2000 \| [0-9.]+ \|$' ||
    { complain 'report.py: the first row'; cat "$work/tables"; }
want=$(jq '.rows[0].sumi.median / 200' "$work/result.json")
got=$(grep -F "| Tiny F16, pp6 | " "$work/tables" | head -n 1 | cut -d'|' -f5)
awk -v a="$want" -v b="$got" 'BEGIN { exit !(a - b <= 0.051 && b - a <= 0.051) }' || complain "ratio $got, not $want"
if python3 -c 'import matplotlib' 2>/dev/null; then
    for _ in 1 2; do python3 bench/report.py --root "$work/tree" --update || complain 'report.py --update'; done
    [ "$(head -c 4 "$work/tree/docs/benchmarks.png" | tail -c 3)" = PNG ] || complain 'the chart is no PNG'
    for page in README.md docs/benchmarks.md; do
        [ "$(head -n 1 "$work/tree/$page")" = before ] && [ "$(tail -n 1 "$work/tree/$page")" = after ] &&
            [ "$(grep -c 'Tiny F16, pp6 | .* | 2000 |' "$work/tree/$page")" = 1 ] && ! grep -q '^old$' "$work/tree/$page" ||
            { complain "$page after --update"; cat "$work/tree/$page"; }
    done
    grep -qF '| sumi serve | 123 | 45.6 | 78.9 | 90.1 | 7.0 |' "$work/tree/docs/benchmarks.md" || complain 'the table of servers'
else
    echo 'no chart drawn: this Python has no matplotlib'
    python3 bench/report.py --root "$work/tree" --update 2>"$work/err" && complain 'a chart without matplotlib'
    grep -q '^report.py: the chart needs matplotlib' "$work/err" || complain "$(cat "$work/err")"
    cmp -s "$work/page" "$work/tree/README.md" || complain 'a page was changed without its chart'
fi

# Mistakes are one line.
bad() {
    local pattern=$1
    shift
    "$@" >/dev/null 2>"$work/err" && complain "$* should fail"
    [ "$(wc -l <"$work/err")" = 1 ] && grep -q "$pattern" "$work/err" || { complain "$*: $(cat "$work/err")"; }
}
bad 'no engine' compare "$model" --engines sumi,vllm
bad 'no such file' compare "$work/none.gguf"
bad 'no results' python3 bench/report.py --root "$work"
bad 'not a result' python3 bench/report.py CMakeLists.txt
rm -r "$work/peers/build/ik_llama.cpp"
bad 'run bench/peers/build-llama-cpp.sh ik_llama.cpp' compare "$model"
cp "$work/page" "$work/tree/docs/benchmarks.md"
if python3 -c 'import matplotlib' 2>/dev/null; then
    echo nothing >"$work/tree/README.md"
    bad 'needs the line' python3 bench/report.py --root "$work/tree" --update
fi
exit $failed
