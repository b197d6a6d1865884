#!/usr/bin/env python3
"""compare.py - sumi beside llama.cpp on the same file:  bench/peers/compare.py MODEL.gguf [--threads 2] [--json]

Both engines run in turn, REPS times each, so that a machine whose speed drifts drifts for both; a number is the median
of its runs and a ratio that of two medians. Columns: pp512, tokens/s of a prompt of 512 tokens; tg64, tokens/s of one
sequence that generates 64 tokens; batch N, total tokens/s of N sequences that generate together after prompts of 128.
llama.cpp comes from bench/peers/build-llama-cpp.sh. Other work on the machine makes all numbers worthless, above all
llama.cpp's, whose threads wait for each other in a busy loop: the load is printed with the result.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        sys.exit(f"compare.py: {' '.join(command)}: exit status {done.returncode}: {last}")
    return done.stdout


def run_sumi(args):
    """{name: tokens/s} of one run of `sumi bench`."""
    result = json.loads(run([args.sumi, "bench", args.model, "--threads", str(args.threads), "--prompt", str(args.prompt),
                             "--gen", str(args.gen), "--batch", ",".join(map(str, [1] + args.batch)),
                             "--prefill-len", str(args.prefill_len), "--reps", "1", "--json"]))
    out = {f"pp{p['n_tokens']}": p["tokens_per_s"] for p in result["prompt"]}
    for d in result["decode"]:
        out[f"tg{args.gen}" if d["batch"] == 1 else f"batch {d['batch']}"] = d["tokens_per_s"]
    return out


def run_peer(args, binaries):
    """{name: tokens/s} of one run of llama-bench and llama-batched-bench."""
    bench = json.loads(run([os.path.join(binaries, "llama-bench"), "-m", args.model, "-t", str(args.threads),
                            "-p", str(args.prompt), "-n", str(args.gen), "-r", "1", "-o", "json"]))
    out = {f"pp{b['n_prompt']}" if b["n_prompt"] else f"tg{b['n_gen']}": b["avg_ts"] for b in bench}
    if args.batch:
        n_ctx = max(args.batch) * (args.prefill_len + args.gen) + 512
        lines = run([os.path.join(binaries, "llama-batched-bench"), "-m", args.model, "-t", str(args.threads),
                     "-c", str(n_ctx), "-npp", str(args.prefill_len), "-ntg", str(args.gen),
                     "-npl", ",".join(map(str, args.batch)), "--output-format", "jsonl"])
        for line in lines.splitlines():
            if line.startswith("{"):
                row = json.loads(line)
                out[f"batch {row['pl']}"] = row["speed_tg"]
    return out


def main():
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--gen", type=int, default=64)
    parser.add_argument("--batch", type=lambda s: [int(x) for x in s.split(",") if x], default=[8, 32],
                        help="numbers of sequences that decode together, '8,32'; '' for none")
    parser.add_argument("--prefill-len", type=int, default=128)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--sumi", default=os.path.join(ROOT, "build", "release", "sumi"))
    parser.add_argument("--peer", default="llama.cpp", choices=["llama.cpp", "ik_llama.cpp"])
    parser.add_argument("--peer-only", action="store_true", help="measure the peer alone")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    binaries = os.path.join(HERE, ".work", "build", args.peer, "bin")
    if not os.path.exists(os.path.join(binaries, "llama-bench")):
        sys.exit(f"compare.py: {args.peer} is not built: run bench/peers/build-llama-cpp.sh {args.peer}")
    engines = {args.peer: lambda: run_peer(args, binaries)}
    if not args.peer_only:
        engines["sumi"] = lambda: run_sumi(args)
    runs, load = {name: [] for name in engines}, os.getloadavg()[0]
    for rep in range(args.reps):
        for name, measure in engines.items():
            if sys.stderr.isatty():
                print(f"\rrun {rep + 1} of {args.reps}: {name}\x1b[K", end="", file=sys.stderr, flush=True)
            runs[name].append(measure())
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)

    rows = []
    for what in runs[args.peer][0]:
        row = {"what": what}
        for name in engines:
            row[name] = statistics.median(r[what] for r in runs[name])
        if "sumi" in row:
            row["ratio"] = row["sumi"] / row[args.peer]
        rows.append(row)
    if args.json:
        print(json.dumps({"model": os.path.basename(args.model), "threads": args.threads, "reps": args.reps,
                          "load_before": load, "peer": args.peer, "rows": rows}))
        return
    print(f"{os.path.basename(args.model)}, {args.threads} threads, medians of {args.reps}, load before {load:.1f}")
    print(f"{'tokens/s':10}" + "".join(f"{name:>14}" for name in engines) + ("" if args.peer_only else f"{'ratio':>8}"))
    for row in rows:
        line = f"{row['what']:10}" + "".join(f"{row[name]:14.1f}" for name in engines)
        print(line + (f"{row['ratio']:8.2f}" if "ratio" in row else ""))


if __name__ == "__main__":
    main()
