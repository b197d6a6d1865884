#!/usr/bin/env python3
"""http_load.py - servers under one load over HTTP:  bench/http_load.py MODEL.gguf [--peer] [--json] [--out FILE]

The load is that of `sumi bench serve`: N requests, prompts of random tokens, answers of a fixed length, greedy, always C
under way. It goes to `sumi serve` as streams of /v1/completions; `sumi bench serve` measures the same without HTTP, and
with --peer llama-server (bench/peers/build-llama-cpp.sh) gets what sumi serve gets. All in turn, --reps times; the median
counts. Of servers: output tokens/s, time to the first token, resident memory after the load, time from start to ready
(the model's file is read once before), and CPU while nothing is asked. The client is one thread that looks only at where
events begin; its own CPU time is told, for it is taken from the servers. Other work on the machine makes all numbers
worthless: the load average is printed with the result."""
import argparse, asyncio, http.client, json, os, random, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))
from serve_load import free_port, percentiles  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def is_up(port, path):
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        c.request("GET", path)
        return c.getresponse().status == 200
    except OSError:
        return False


def start(command, port, ready):
    """(process, milliseconds until `ready` says 200)"""
    at = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not is_up(port, ready):
        if process.poll() is not None or time.monotonic() - at > 60:
            sys.exit(f"http_load.py: does not start: {' '.join(command)}")
        time.sleep(0.005)
    return process, (time.monotonic() - at) * 1000


async def one(port, ids, a, record):
    body = json.dumps({"prompt": ids, "max_tokens": a.gen_len, "temperature": 0, "stream": True, "ignore_eos": True,
                       "cache_prompt": False}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    record["start"] = time.monotonic()
    writer.write(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(body) + body)
    if b" 200 " not in await reader.readline():
        sys.exit("http_load.py: a request was refused")
    await reader.readuntil(b"\r\n\r\n")
    tail = b""
    while part := await reader.read(1 << 16):
        if b"data: {" in part:
            record.setdefault("first", time.monotonic())
        tail = (tail + part)[-64:]
        if b"[DONE]" in tail:
            break
    if b"[DONE]" not in tail:
        sys.exit("http_load.py: a stream broke off")
    record["end"] = time.monotonic()
    writer.close()


async def drive(port, a):
    rng = random.Random(a.seed)
    prompts = [[rng.randrange(a.vocab) for _ in range(a.prompt_len)] for _ in range(a.requests)]
    records = [{} for _ in prompts]
    waiting = iter(range(a.requests))

    async def client():
        for i in waiting:
            await one(port, prompts[i], a, records[i])
    at, own = time.monotonic(), time.process_time()
    await asyncio.gather(*(client() for _ in range(a.concurrency)))
    seconds = max(r["end"] for r in records) - at
    return {"output_tokens_per_s": a.requests * a.gen_len / seconds, "client_cpu": (time.process_time() - own) / seconds,
            "ttft_ms": percentiles([(r["first"] - r["start"]) * 1000 for r in records]),
            "e2e_ms": percentiles([(r["end"] - r["start"]) * 1000 for r in records])}


def measure_server(command, port, ready, a):
    process, ready_ms = start(command, port, ready)
    try:
        time.sleep(1)
        before = cpu_s(process.pid)
        time.sleep(a.idle)
        idle = (cpu_s(process.pid) - before) / a.idle
        asyncio.run(drive(port, argparse.Namespace(**{**vars(a), "requests": 2, "gen_len": 8})))  # touches memory once
        result = asyncio.run(drive(port, a))
        return {**result, "ready_ms": ready_ms, "idle_cpu": idle, "resident_mib": resident_mib(process.pid)}
    finally:
        process.terminate()
        process.wait()


def sumi_serve(a):
    port = free_port()
    return measure_server([a.sumi, "serve", a.model, "-t", str(a.threads), "--port", str(port), "--max-seqs",
                           str(a.concurrency), "--ctx", str(a.prompt_len + a.gen_len + 16), "--kv-memory", a.kv_memory,
                           "--no-prefix-cache", "--log-level", "error"], port, "/ready", a)


def llama_server(a):
    server, port = os.path.join(a.peers_dir, "build", "llama.cpp", "bin", "llama-server"), free_port()
    return measure_server([server, "-m", a.model, "-t", str(a.threads), "-np", str(a.concurrency), "-c",
                           str(a.concurrency * (a.prompt_len + a.gen_len + 16)), "--host", "127.0.0.1", "--port",
                           str(port)], port, "/health", a)


def bench_serve(a):
    command = [a.sumi, "bench", "serve", a.model, "-t", str(a.threads), "--requests", str(a.requests), "--concurrency",
               str(a.concurrency), "--prompt-len", str(a.prompt_len), "--gen-len", str(a.gen_len), "--max-seqs",
               str(a.concurrency), "--ctx", str(a.prompt_len + a.gen_len + 16), "--kv-memory", a.kv_memory,
               "--no-prefix-cache", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"http_load.py: {' '.join(command)}: {done.stderr.strip()}")
    j = json.loads(done.stdout)
    return {key: j[key] for key in ("output_tokens_per_s", "ttft_ms", "e2e_ms")}


def median_of(runs):
    return {key: {k: statistics.median(r[key][k] for r in runs) for k in ("mean", "p50", "p90", "p99")}
            if isinstance(value, dict) else statistics.median(r[key] for r in runs) for key, value in runs[0].items()}


def show(result):
    print(f"load average {result['load_average']:.1f} before, client {result['sumi serve']['client_cpu']:.1%} of a core\n")
    print(f"  {'':<18}{'output/s':>10}{'first token':>13}{'P99':>9}{'whole P99':>11}{'resident':>10}{'ready':>9}{'idle CPU':>10}")
    for name, r in result["engines"].items():
        line = f"  {name:<18}{r['output_tokens_per_s']:>10.1f}{r['ttft_ms']['mean']:>10.0f} ms{r['ttft_ms']['p99']:>9.0f}"
        line += f"{r['e2e_ms']['p99']:>11.0f}"
        if "ready_ms" in r:
            line += f"{r['resident_mib']:>6.0f} MiB{r['ready_ms']:>6.0f} ms{r['idle_cpu']:>10.2%}"
        print(line)
    print("\n" + "\n".join(f"  {what}: {value:.3f}" for what, value in result["ratios"].items()))


def ratios(engines):
    ours, inside, peer = engines["sumi serve"], engines["sumi bench serve"], engines.get("llama-server")
    found = {"output over HTTP / without": ours["output_tokens_per_s"] / inside["output_tokens_per_s"]}
    if peer:
        found["output / llama-server's"] = ours["output_tokens_per_s"] / peer["output_tokens_per_s"]
        found["first token / llama-server's"] = ours["ttft_ms"]["mean"] / peer["ttft_ms"]["mean"]
    return found


def main():
    parser = argparse.ArgumentParser(prog="http_load.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("model")
    for name, value in (("--threads", 2), ("--requests", 64), ("--concurrency", 16), ("--prompt-len", 128),
                        ("--gen-len", 64), ("--seed", 0), ("--vocab", 32000), ("--reps", 3), ("--idle", 5)):
        parser.add_argument(name, type=int, default=value)
    parser.add_argument("--kv-memory", default="80M", help="of sumi; 16 x 208 tokens of SmolLM2 take 75 MiB")
    parser.add_argument("--peer", action="store_true", help="llama-server too")
    parser.add_argument("--sumi", default=os.path.join(HERE, "..", "build", "release", "sumi"))
    parser.add_argument("--peers-dir", default=os.environ.get("SUMI_PEERS", os.path.join(HERE, "peers", ".work")))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", help="write the JSON there too, as bench/results/http/NAME.json")
    a = parser.parse_args()
    engines = {"sumi serve": sumi_serve, "sumi bench serve": bench_serve, **({"llama-server": llama_server} if a.peer else {})}
    load, runs = os.getloadavg()[0], {name: [] for name in engines}
    with open(a.model, "rb") as f:
        while f.read(1 << 22):
            pass
    for _ in range(a.reps):
        for name, engine in engines.items():
            runs[name].append(engine(a))
    medians = {name: median_of(r) for name, r in runs.items()}
    result = {"load_average": load, "requests": a.requests, "concurrency": a.concurrency, "prompt_len": a.prompt_len,
              "gen_len": a.gen_len, "threads": a.threads, "reps": a.reps, "engines": medians, "ratios": ratios(medians)}
    if a.out:
        with open(a.out, "w") as f:
            json.dump(result, f, indent=2)
            f.write("\n")
    if a.json:
        print(json.dumps(result, indent=2))
    else:
        show({**result, "sumi serve": medians["sumi serve"]})


main()
