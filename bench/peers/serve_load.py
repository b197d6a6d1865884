#!/usr/bin/env python3
"""serve_load.py - sumi and llama.cpp's server under the same load:  bench/peers/serve_load.py MODEL.gguf [options]

The load is that of `sumi bench serve`: N requests, prompts of random tokens, answers of a fixed length, greedy, in a closed
loop of C requests or at Poisson arrivals. llama-server (bench/peers/build-llama-cpp.sh) gets its requests over HTTP with
streaming, from one thread for each; sumi's own figures come from `sumi bench serve`, or, with --url, from any server that
speaks llama.cpp's /completion. Times are those of the client. Both engines run in turn, --reps times each, and the median
of the runs counts. Other work on the machine makes all numbers worthless: the load is printed with the result.

--transformers N adds Hugging Face Transformers as one uses it first: `generate` on N of the requests, one after another, the
file's weights in float32. It needs torch, transformers, accelerate and gguf in this Python.
"""
import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def percentiles(values):
    """The keys of `sumi bench serve --json`, linear between neighbours."""
    v = sorted(values)
    if not v:
        return dict.fromkeys(("mean", "p50", "p90", "p99"), 0.0)

    def at(p):
        x = p * (len(v) - 1)
        i = int(x)
        return v[i] + (x - i) * (v[min(i + 1, len(v) - 1)] - v[i])
    return {"mean": statistics.fmean(v), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99)}


def one_request(url, ids, n_gen, record):
    """Streams one answer; record gets the times of its tokens."""
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=3600)
    body = json.dumps({"prompt": ids, "n_predict": n_gen, "temperature": 0, "stream": True, "ignore_eos": True,
                       "cache_prompt": False})
    record["start"] = time.monotonic()
    connection.request("POST", "/completion", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    for line in response:
        if not line.startswith(b"data: "):
            continue
        event = json.loads(line[6:])
        if event.get("stop"):
            record["n_output"] = event.get("tokens_predicted", len(record["tokens"]))
            break
        record["tokens"].append(time.monotonic())
    record["end"] = time.monotonic()
    connection.close()


def run_load(url, args):
    """The load over HTTP; the same keys as sumi's JSON."""
    rng = random.Random(args.seed)
    prompts = [[rng.randrange(args.vocab) for _ in range(args.prompt_len)] for _ in range(args.requests)]
    arrivals, at = [], 0.0
    for _ in prompts:
        at += rng.expovariate(args.rate) if args.rate else 0.0
        arrivals.append(at)
    records = [{"tokens": [], "n_output": 0} for _ in prompts]
    slots = threading.Semaphore(args.concurrency if not args.rate else args.requests)
    url = urllib.parse.urlparse(url)

    def work(i):
        try:
            one_request(url, prompts[i], args.gen_len, records[i])
        except (OSError, ValueError) as why:
            records[i]["error"] = str(why)
        slots.release()

    threads, start = [], time.monotonic()
    for i in range(args.requests):
        time.sleep(max(0.0, start + arrivals[i] - time.monotonic()))
        slots.acquire()
        threads.append(threading.Thread(target=work, args=(i,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    done = [r for r in records if "error" not in r and r["tokens"]]
    seconds = max(r["end"] for r in done) - start
    n_output = sum(r["n_output"] for r in done)
    return {"output_tokens_per_s": n_output / seconds,
            "total_tokens_per_s": (n_output + len(done) * args.prompt_len) / seconds,
            "ttft_ms": percentiles([(r["tokens"][0] - r["start"]) * 1000 for r in done]),
            "tbt_ms": percentiles([(b - a) * 1000 for r in done for a, b in zip(r["tokens"], r["tokens"][1:])]),
            "e2e_ms": percentiles([(r["end"] - r["start"]) * 1000 for r in done]),
            "completed": len(done), "failed": len(records) - len(done)}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_ready(url, process):
    host = urllib.parse.urlparse(url)
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"serve_load.py: llama-server ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection(host.hostname, host.port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("serve_load.py: llama-server is not ready after a minute")


def run_llama(args):
    server = os.path.join(args.peers_dir, "build", "llama.cpp", "bin", "llama-server")
    if not os.path.exists(server):
        sys.exit("serve_load.py: llama.cpp is not built: run bench/peers/build-llama-cpp.sh")
    port = free_port()
    n_ctx = args.max_seqs * (args.prompt_len + args.gen_len + 16)
    process = subprocess.Popen([server, "-m", args.model, "-t", str(args.threads), "-np", str(args.max_seqs), "-c",
                                str(n_ctx), "--host", "127.0.0.1", "--port", str(port)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(f"http://127.0.0.1:{port}", process)
        return run_load(f"http://127.0.0.1:{port}", args)
    finally:
        process.terminate()
        process.wait()


def run_sumi(args):
    command = [args.sumi, "bench", "serve", args.model, "-t", str(args.threads), "--requests", str(args.requests),
               "--prompt-len", str(args.prompt_len), "--gen-len", str(args.gen_len), "--max-seqs", str(args.max_seqs),
               "--seed", str(args.seed), "--no-prefix-cache", "--json"]
    command += ["--rate", str(args.rate)] if args.rate else ["--concurrency", str(args.concurrency)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"serve_load.py: {' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def run_transformers(args):
    import torch
    import transformers
    torch.set_num_threads(args.threads)
    folder, name = os.path.split(os.path.abspath(args.model))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    rng = random.Random(args.seed)
    seconds = []
    for _ in range(args.transformers):
        ids = torch.tensor([[rng.randrange(args.vocab) for _ in range(args.prompt_len)]])
        start = time.monotonic()
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, min_new_tokens=args.gen_len,
                             max_new_tokens=args.gen_len)
        seconds.append(time.monotonic() - start)
        assert out.shape[1] == args.prompt_len + args.gen_len
    total, nothing = sum(seconds), percentiles([])
    return {"output_tokens_per_s": len(seconds) * args.gen_len / total,
            "total_tokens_per_s": len(seconds) * (args.prompt_len + args.gen_len) / total, "ttft_ms": nothing,
            "tbt_ms": nothing, "e2e_ms": percentiles([s * 1000 for s in seconds]), "failed": 0}


def median_of(runs):
    """Key by key."""
    first = runs[0]
    return {key: {k: statistics.median(r[key][k] for r in runs) for k in ("mean", "p50", "p90", "p99")}
            if isinstance(first[key], dict) else statistics.median(r[key] for r in runs)
            for key in ("output_tokens_per_s", "total_tokens_per_s", "ttft_ms", "tbt_ms", "e2e_ms", "failed")}


def main():
    parser = argparse.ArgumentParser(prog="serve_load.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0, help="Poisson arrivals in a second, instead of --concurrency")
    parser.add_argument("--prompt-len", type=int, default=128)
    parser.add_argument("--gen-len", type=int, default=64)
    parser.add_argument("--max-seqs", type=int, default=16, help="answers at once: -np of llama-server")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vocab", type=int, default=32000, help="random tokens are below this")
    parser.add_argument("--reps", type=int, default=1)
    parser.add_argument("--sumi", default=os.path.join(ROOT, "build", "release", "sumi"))
    parser.add_argument("--peers-dir", default=os.environ.get("SUMI_PEERS", os.path.join(HERE, ".work")),
                        help="where build-llama-cpp.sh built ($SUMI_PEERS, bench/peers/.work)")
    parser.add_argument("--transformers", type=int, default=0, metavar="N", help="and `generate` on N of the requests")
    parser.add_argument("--url", help="measure only the server there")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    engines = {"llama.cpp": run_llama, "sumi": run_sumi}
    if args.transformers:
        engines["transformers"] = run_transformers
    if args.url:
        engines = {args.url: lambda a: run_load(a.url, a)}
    load, runs = os.getloadavg()[0], {name: [] for name in engines}
    for _ in range(args.reps):
        for name, engine in engines.items():
            runs[name].append(engine(args))
    result = {name: median_of(r) for name, r in runs.items()}
    if args.json:
        print(json.dumps({"load_average": load, **result}, indent=2))
        return
    print(f"{args.requests} requests of {args.prompt_len} + {args.gen_len} tokens, load average {load:.1f} before\n")
    print(f"  {'':<12}{'output/s':>10}{'total/s':>10}{'first token':>13}{'P99':>9}{'between':>9}{'P99':>9}{'whole P99':>11}")
    for name, r in result.items():
        print(f"  {name:<12}{r['output_tokens_per_s']:>10.1f}{r['total_tokens_per_s']:>10.1f}"
              f"{r['ttft_ms']['mean']:>10.0f} ms{r['ttft_ms']['p99']:>9.0f}{r['tbt_ms']['mean']:>9.1f}"
              f"{r['tbt_ms']['p99']:>9.1f}{r['e2e_ms']['p99']:>11.0f}")
    print()
    for name, r in result.items():
        if "sumi" in result and name != "sumi":
            ratio = result["sumi"]["output_tokens_per_s"] / r["output_tokens_per_s"]
            print(f"  sumi / {name}: {ratio:.2f}x output tokens/s")


if __name__ == "__main__":
    main()
