#!/usr/bin/env python3
"""compare.py - sumi beside llama.cpp and ik_llama.cpp on the same file:  bench/peers/compare.py MODEL.gguf [OPTION...]

The engines run in turn, REPS rounds of one run each, and row by row: a virtual machine's speed may change by a third
for minutes at a time, so what is compared is measured within seconds. A figure is the median of its runs and a ratio
that of two medians. Rows, in tokens per second:

    ppN        a prompt of N tokens
    tgN        one sequence that generates N tokens from an empty context
    batch B    B sequences together, all of their tokens, after prompts of --prefill-len (sumi's are ragged: of two
               thirds to four thirds of that, the same on average)

ik_llama.cpp runs with and without repacking its weights (-rtr); each row takes the setting whose median is better. Its
llama-batched-bench stops with a failed assertion while flash attention is on, so that program runs without.

The peers come from bench/peers/build-llama-cpp.sh. Other work on the machine makes all numbers worthless, above all
those of engines whose threads wait for each other in a busy loop: the load is printed and stored with the result.
bench/report.py makes tables and charts of the files that --json writes.
"""
import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEVELS = ["avx2", "avxvnni", "avx512", "amx"]  # lowest first; the plain C of "ref" is not meant to be fast


def fail(message):
    sys.exit(f"compare.py: {message}")


def run(command, **options):
    """(stdout, stderr) of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        fail(f"{' '.join(command)}: exit status {done.returncode}: {last}")
    return done.stdout, done.stderr


# ---- Engines. A run gives {row: tokens/s}. ----

def sumi_bench(args, isa, prompts, batches, prefill_len):
    env = dict(os.environ, SUMI_ISA=isa) if isa else None
    out, _ = run([args.sumi, "bench", args.model, "--threads", str(args.threads),
                  "--prompt", ",".join(map(str, prompts)), "--gen", str(args.gen),
                  "--batch", ",".join(map(str, batches)), "--prefill-len", str(prefill_len),
                  "--reps", "1", "--no-limits", "--json"], env=env)
    return json.loads(out)


def parts(args):
    """The arguments of each measurement: some rows of the table, those that one run of a program gives soon."""
    for i, n in enumerate(args.prompt):
        yield argparse.Namespace(**{**vars(args), "prompt": [n], "batch": [], "alone": i == 0})
    for n in args.batch:
        yield argparse.Namespace(**{**vars(args), "prompt": [], "batch": [n], "alone": False})


def run_sumi(args, isa=None):
    if args.batch:  # prompts of half the longest to the longest: three quarters of it on average
        together = sumi_bench(args, isa, [1], args.batch, round(args.prefill_len * 4 / 3))
        return {f"batch {d['batch']}": d["tokens_per_s"] for d in together["decode"]}
    alone = sumi_bench(args, isa, args.prompt, [1], 2)
    rows = {f"pp{p['n_tokens']}": p["tokens_per_s"] for p in alone["prompt"]}
    return rows | ({f"tg{args.gen}": alone["decode"][0]["tokens_per_s"]} if args.alone else {})


def run_llama_bench(args, binaries, extra):
    if not args.prompt:
        return {}
    out, _ = run([os.path.join(binaries, "llama-bench"), "-m", args.model, "-t", str(args.threads),
                  "-p", ",".join(map(str, args.prompt)), "-n", str(args.gen if args.alone else 0), "-r", "1",
                  "-o", "json"] + extra)
    return {f"pp{b['n_prompt']}" if b["n_prompt"] else f"tg{b['n_gen']}": b["avg_ts"] for b in json.loads(out)}


def run_batched_bench(args, binaries, extra):
    """Reads the table that both programs print, llama.cpp on stdout, ik_llama.cpp on stderr:
    | PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | T s | S t/s |"""
    if not args.batch:
        return {}
    n_ctx = max(args.batch) * (args.prefill_len + args.gen) + 512
    with tempfile.TemporaryDirectory() as folder:  # ik_llama.cpp leaves a log where it runs
        texts = run([os.path.join(binaries, "llama-batched-bench"), "-m", args.model, "-t", str(args.threads),
                     "-c", str(n_ctx), "-npp", str(args.prefill_len), "-ntg", str(args.gen),
                     "-npl", ",".join(map(str, args.batch))] + extra, cwd=folder)
    rows = {}
    for line in "\n".join(texts).splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 10 and cells[2].isdigit():
            rows[f"batch {cells[2]}"] = float(cells[7])
    if len(rows) != len(args.batch):
        fail(f"{binaries}/llama-batched-bench printed {len(rows)} of {len(args.batch)} rows")
    return rows


def run_peer(args, name, variant):
    binaries = os.path.join(args.peers_dir, "build", name, "bin")
    if name != "ik_llama.cpp":
        return run_llama_bench(args, binaries, []) | run_batched_bench(args, binaries, [])
    repack = variant == "-rtr 1"
    return (run_llama_bench(args, binaries, ["-rtr", "1" if repack else "0"]) |
            run_batched_bench(args, binaries, ["-no-fa"] + (["-rtr"] if repack else [])))


def plan(args):
    """[(column, variant, function of a part)]: who runs in one round."""
    runs = []
    for name in args.engines:
        if name == "sumi":
            runs.append((name, "", run_sumi))
        elif name == "ik_llama.cpp":
            for variant in ("-rtr 0", "-rtr 1"):
                runs.append((name, variant, lambda part, n=name, v=variant: run_peer(part, n, v)))
        else:
            runs.append((name, "", lambda part, n=name: run_peer(part, n, "")))
    for level in args.levels:
        runs.append((f"sumi {level}", "", lambda part, isa=level: run_sumi(part, isa)))
    return runs


# ---- What is measured, and where. ----

def machine():
    cpu = {e["field"].rstrip(":"): e["data"] for e in json.loads(run(["lscpu", "--json"])[0])["lscpu"]}
    flags = set(cpu.get("Flags", "").split())
    shown = ["avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"]
    with open("/proc/meminfo") as f:
        memory = int(re.search(r"MemTotal: *(\d+)", f.read()).group(1)) // 1024
    return {"cpu": cpu.get("Model name", "unknown"), "family": cpu.get("CPU family"), "model": cpu.get("Model"),
            "cpus": os.cpu_count(), "l3": cpu.get("L3 cache", ""), "memory_mib": memory,
            "virtual": cpu.get("Hypervisor vendor", ""), "flags": [f for f in shown if f in flags],
            "os": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"), "kernel": platform.release()}


def sumi_version(args):
    version = run([args.sumi, "--version"])[0].split()[-1]
    try:
        return version + " " + run(["git", "-C", ROOT, "describe", "--always", "--dirty"])[0].strip()
    except (FileNotFoundError, SystemExit):
        return version


def versions(args):
    found = {"sumi": sumi_version(args)} if "sumi" in args.engines else {}
    for name in args.engines:
        stamp = os.path.join(args.peers_dir, "src", name, ".package")
        if name != "sumi":
            found[name] = open(stamp).read().strip().replace("==", " ") if os.path.exists(stamp) else "unknown"
    return found


def collect(args):
    runs = plan(args)
    samples = {(column, variant): [{} for _ in range(args.reps)] for column, variant, _ in runs}
    for part in parts(args):
        for rep in range(args.reps):
            for column, variant, measure in runs:
                if sys.stderr.isatty():
                    what = ", ".join([f"pp{n}" for n in part.prompt] + [f"batch {n}" for n in part.batch])
                    print(f"\r{what}, round {rep + 1} of {args.reps}: {column} {variant}\x1b[K", end="", file=sys.stderr,
                          flush=True)
                samples[column, variant][rep] |= measure(part)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    return samples


def make_rows(samples):
    """[{"what", column: {"median", "runs", "variant"?}}]: of a column's variants, the one with the best median."""
    rows = []
    for what in next(iter(samples.values()))[0]:
        row = {"what": what}
        for (column, variant), results in samples.items():
            values = [round(r[what], 2) for r in results]
            cell = {"median": statistics.median(values), "runs": values}
            if variant:
                cell["variant"] = variant
            if column not in row or cell["median"] > row[column]["median"]:
                row[column] = cell
        rows.append(row)
    return rows


def print_table(result):
    columns = [c for c in result["rows"][0] if c != "what"]
    print(f"{result['label']}, {result['threads']} threads, medians of {result['reps']}, "
          f"load before {result['load_before']:.1f}, after {result['load_after']:.1f}")
    head = f"{'tokens/s':10}"
    for c in columns:
        head += f"{c:>14}" + (f"{'ratio':>8}" if is_peer(c, columns) else "")
    print(head)
    for row in result["rows"]:
        line = f"{row['what']:10}"
        for c in columns:
            line += f"{row[c]['median']:14.1f}"
            if is_peer(c, columns):
                line += f"{row['sumi']['median'] / row[c]['median']:8.2f}"
        print(line)


def is_peer(column, columns):
    return "sumi" in columns and not column.startswith("sumi")


# ---- Arguments. ----

def numbers(text):
    try:
        values = [int(x) for x in text.split(",") if x]
    except ValueError:
        values = [0]
    if any(v < 1 for v in values):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers such as 8,32")
    return values


def parse_args():
    peers = ["llama.cpp", "ik_llama.cpp"]
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__, usage="compare.py MODEL.gguf [OPTION...]",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--label", help="what the model is called in tables (the file's name)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every engine (all processors)")
    parser.add_argument("--prompt", type=numbers, default=[512], help="lengths of prompts (512)")
    parser.add_argument("--gen", type=int, default=64, help="tokens to generate (64)")
    parser.add_argument("--batch", type=numbers, default=[8, 32], help="sequences together (8,32); '' for none")
    parser.add_argument("--prefill-len", type=int, default=128, help="prompts of these sequences (128)")
    parser.add_argument("--reps", type=int, default=5, help="rounds (5)")
    parser.add_argument("--engines", default=",".join(["sumi"] + peers), help="of sumi,llama.cpp,ik_llama.cpp (all)")
    parser.add_argument("--levels", action="store_true", help="sumi with lower instruction sets than the best one, besides")
    parser.add_argument("--sumi", default=os.path.join(ROOT, "build", "release", "sumi"), help="the program")
    parser.add_argument("--peers-dir", default=os.environ.get("SUMI_PEERS", os.path.join(HERE, ".work")),
                        help="where build-llama-cpp.sh built ($SUMI_PEERS, bench/peers/.work)")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    args = parser.parse_args()
    args.engines = args.engines.split(",")
    for name in args.engines:
        if name not in ["sumi"] + peers:
            fail(f"no engine '{name}'; there are sumi, {', '.join(peers)}")
        if name != "sumi" and not os.path.exists(os.path.join(args.peers_dir, "build", name, "bin", "llama-bench")):
            fail(f"{name} is not in {args.peers_dir}: run bench/peers/build-llama-cpp.sh {name}, or leave it out of --engines")
    if not os.path.exists(args.model):
        fail(f"{args.model}: no such file")
    args.model = os.path.abspath(args.model)
    return args


def main():
    args = parse_args()
    stem = os.path.splitext(os.path.basename(args.model))[0]
    result = {"model": os.path.basename(args.model), "label": args.label or stem, "date": str(datetime.date.today()),
              "threads": args.threads, "reps": args.reps, "gen": args.gen, "prefill_len": args.prefill_len,
              "machine": machine(), "versions": versions(args)}
    if "sumi" in args.engines:
        result["limits"] = json.loads(run([args.sumi, "bench", "--hardware", "-t", str(args.threads), "--json"])[0])
    best = result["limits"]["isa"] if "limits" in result else ""
    lower = LEVELS[:LEVELS.index(best)] if args.levels and best in LEVELS else []
    args.levels = [level for level in lower if level != "avxvnni" or "avx_vnni" in result["machine"]["flags"]]
    result["load_before"] = os.getloadavg()[0]
    if result["load_before"] > 0.5:
        print(f"compare.py: the machine is busy, load {result['load_before']:.1f}: these are no figures to publish",
              file=sys.stderr)
    result["rows"] = make_rows(collect(args))
    result["load_after"] = os.getloadavg()[0]
    print_table(result)
    if args.json:
        with open(args.json, "w") as f:
            f.write(dump(result))


def dump(result):
    """JSON that a diff shows well: one line for each entry of a row or a limit."""
    text = json.dumps(result, indent=1)
    return re.sub(r"\{[^{}\[\]]*(\[[^\[\]]*\])?[^{}\[\]]*\}|\[[^\[\]{}]*\]", lambda m: " ".join(m.group().split()), text) + "\n"


if __name__ == "__main__":
    main()
