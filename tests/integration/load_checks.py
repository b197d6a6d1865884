"""load_checks.py - hundreds of clients at once at `sumi serve`, good ones and bad ones: nobody's fault reaches another.

usage: load_checks.py SUMI MODEL [SECONDS [CONNECTIONS]]     exit code 0: everything held; each failure is one line
  - each well-formed request is answered as documented, or refused with a documented status
  - at the end nothing runs, all blocks of the key/value cache are free, no connection is left over
  - resident memory is flat: its median in the last third is at most 5 % above that of the second
SECONDS is how long new requests begin; no check depends on the machine's speed."""
import asyncio, json, os, random, resource, socket, statistics, struct, sys, time

from served import CHAT, MODEL, SUMI, Server, check, finish

SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 15
CONNECTIONS = int(sys.argv[4]) if len(sys.argv) > 4 else 500
RUNNING = 64
MAX_BODY = 64 << 10
NOISE = 16 << 20  # bytes by which what 500 connections hold differs from one third of some seconds to the next
PATIENCE = 600  # seconds that one answer may take: only a hang takes longer
DOCUMENTED = {200, 429, 503}
seen = {}


def count(what):
    seen[what] = seen.get(what, 0) + 1


def request(path, body, *headers, method="POST"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def completion(rng, stream, **more):
    return {"prompt": [rng.randrange(288) for _ in range(rng.randint(1, 60))], "max_tokens": rng.randint(1, 60),
            "ignore_eos": True, "stream": stream, "temperature": rng.choice([0, 1]), **more}


class Connection:
    """One connection, and what is read of its answers."""

    def __init__(self, port, rng):
        self.port = port
        self.patience = rng.choice([0, 1, 1, 2])  # times of Retry-After that it waits after a refusal

    async def __aenter__(self):
        # a small window: what is not read stays in the server
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        await asyncio.get_running_loop().sock_connect(s, ("127.0.0.1", self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=s, limit=1 << 16)
        return self

    async def __aexit__(self, *what):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            pass

    def send(self, data):
        self.writer.write(data)

    def reset(self):
        """Closes without a farewell (RST), as a client that crashes."""
        s = self.writer.get_extra_info("socket")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def head(self):
        """(status, headers) of the next answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), headers

    async def body(self, headers, pause=0.0):
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        data = b""
        while n := int(await self.reader.readline(), 16):
            data += await self.reader.readexactly(n)
            await self.reader.readexactly(2)
            if pause:
                await asyncio.sleep(pause)
        await self.reader.readexactly(2)
        return data

    async def answer(self):
        status, headers = await self.head()
        return status, await self.body(headers)


async def expect(what, c, wanted, documented=DOCUMENTED, pause=0.0):
    status, headers = await c.head()
    body = await c.body(headers, pause)
    count(f"{what} {status}")
    check(f"{what}: {status} is documented", status in documented, body[:200])
    if status == 200 and wanted:
        check(f"{what}: the answer is whole", wanted(body), body[-200:])
    elif status != 200:
        check(f"{what}: a refusal says why", json.loads(body)["error"]["message"], body)
    if status in (429, 503):
        await asyncio.sleep(int(headers["retry-after"]) * c.patience)


def whole_stream(body):
    events = [e for e in body.decode().split("\n\n") if e.startswith("data: ")]
    return events[-1] == "data: [DONE]" and json.loads(events[-2][6:])["choices"][0]["finish_reason"] == "length"


def whole_object(body):
    return all(c["finish_reason"] == "length" for c in json.loads(body)["choices"])


# ---- What clients do. Each is one connection's life. ----

async def reads_streams(port, rng):
    async with Connection(port, rng) as c:
        for _ in range(rng.randint(1, 4)):
            c.send(request("/v1/completions", completion(rng, True)))
            await expect("stream", c, whole_stream)


async def reads_answers(port, rng):
    async with Connection(port, rng) as c:
        for _ in range(rng.randint(1, 4)):
            c.send(request("/v1/completions", completion(rng, False, n=rng.randint(1, 3))))
            await expect("answer", c, whole_object)


async def reads_slowly(port, rng):
    async with Connection(port, rng) as c:
        c.send(request("/v1/completions", completion(rng, True, logprobs=20)))
        await expect("slow reader", c, whole_stream, pause=rng.uniform(0, 0.1))


async def leaves(port, rng):
    async with Connection(port, rng) as c:
        stream = rng.random() < 0.7
        c.send(request("/v1/completions", completion(rng, stream, max_tokens=400)))
        if stream and rng.random() < 0.7:
            status, _ = await c.head()
            if status == 200:
                await c.reader.read(rng.randint(1, 2000))
        else:
            await asyncio.sleep(rng.uniform(0, 1))
        if rng.random() < 0.5:
            c.reset()
    count("left")


async def closes_its_side(port, rng):
    async with Connection(port, rng) as c:
        c.send(request("/v1/completions", completion(rng, True, max_tokens=400)))
        await asyncio.sleep(rng.uniform(0, 0.5))
        c.writer.write_eof()
        while await c.reader.read(4096):
            pass
    count("closed its side")


async def sends_too_much(port, rng):
    async with Connection(port, rng) as c:
        if rng.random() < 0.5:
            c.send(request("/v1/completions", b"x" * (MAX_BODY + rng.randint(1, 100000))))
        else:
            c.send(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\n" + (b"2000\r\n" + b"x" * 8192 + b"\r\n") * 12 + b"0\r\n\r\n")
        await expect("too much", c, None, {413})


async def sends_nonsense(port, rng):
    async with Connection(port, rng) as c:
        body = rng.choice([b"{", b"[1]", b"null", b"\xff\xfe", b'{"prompt": 7}', b'{"model": 1}', b"[" * 5000,
                           rng.randbytes(300), b'{"prompt": [99999999]}', b'{"prompt": ' + b"[1," * 40 + b"1" + b"]" * 41])
        for _ in range(rng.randint(1, 5)):
            c.send(request(rng.choice(["/v1/completions", "/tokenize", "/detokenize", "/v1/messages", CHAT]), body))
            status, answer = await c.answer()
            count(f"nonsense {status}")
            check("nonsense is 400", status == 400 and json.loads(answer)["error"], (status, body[:80], answer[:200]))


async def speaks_no_http(port, rng):
    async with Connection(port, rng) as c:
        c.send(rng.choice([rng.randbytes(500), b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", b"\x16\x03\x01" + rng.randbytes(200),
                           b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                           b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n"]))
        await asyncio.sleep(rng.uniform(0, 0.2))
        c.reset()
    count("no HTTP")


async def sends_slowly(port, rng):
    async with Connection(port, rng) as c:
        data = request("/v1/completions", completion(rng, False))
        end = rng.choice([len(data), rng.randint(1, len(data) - 1)])
        for at in range(0, end, 50):
            c.send(data[at:min(at + 50, end)])
            await asyncio.sleep(rng.uniform(0, 0.1))
        if end == len(data):
            await expect("slow sender", c, whole_object)
    count("slow sender")


async def looks(port, rng):
    async with Connection(port, rng) as c:
        for _ in range(rng.randint(1, 10)):
            path = rng.choice(["/health", "/metrics", "/stats", "/v1/models", "/openapi.json", "/version"])
            c.send(request(path, b"", method="GET"))
            status, body = await c.answer()
            check(f"{path} is there", status == 200 and body, status)
            await asyncio.sleep(rng.uniform(0, 0.3))
    count("looks")


async def sleeps(port, rng):
    async with Connection(port, rng) as c:
        if rng.random() < 0.5:
            c.send(request("/health", b"", method="GET"))
            await c.answer()
        await asyncio.sleep(rng.uniform(0, 3))
    count("sleeps")


LIVES = [(reads_streams, 30), (reads_answers, 15), (reads_slowly, 8), (leaves, 15), (closes_its_side, 4),
         (sends_too_much, 3), (sends_nonsense, 5), (speaks_no_http, 4), (sends_slowly, 4), (looks, 4), (sleeps, 8)]


# ---- The load ----

async def client(port, seed, until):
    rng = random.Random(seed)
    lives, weights = zip(*LIVES)
    while time.monotonic() < until:
        life = rng.choices(lives, weights)[0]
        try:
            await asyncio.wait_for(life(port, rng), PATIENCE)
        except (ConnectionError, asyncio.IncompleteReadError) as e:
            # who misbehaves may be cut off; nobody else
            count(f"{life.__name__} cut off")
            check(f"{life.__name__}: the connection holds", life in (closes_its_side, leaves, speaks_no_http, sends_too_much,
                                                                      sends_slowly), repr(e))
        except asyncio.TimeoutError:
            check(f"{life.__name__}: it ends", False, f"not after {PATIENCE} s")


def resident(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


async def watch(s, until, memory, batches):
    while time.monotonic() < until:
        memory.append(resident(s.process.pid))
        stats = (await asyncio.to_thread(s.ask, "GET", "/stats"))[1]
        batches.append(stats["requests"]["running"])
        await asyncio.sleep(max(0.1, min(SECONDS / 60, until - time.monotonic())))


async def fill(s):
    """Every block of the key/value cache is touched once, so that what grows later is not the cache."""
    prompt = lambda: {"prompt": [random.randrange(288) for _ in range(500)], "max_tokens": 1}
    kv = lambda: s.ask("GET", "/stats")[1]["kv"]
    while (now := kv())["cached"] + now["used"] < 0.95 * now["blocks"]:
        await asyncio.gather(*(asyncio.to_thread(s.ask, "POST", "/v1/completions", prompt()) for _ in range(8)))


async def load(s):
    await fill(s)
    until = time.monotonic() + SECONDS
    memory, batches = [], []
    await asyncio.gather(watch(s, until, memory, batches), *(client(s.port, i, until) for i in range(CONNECTIONS)))
    return memory, batches


def sockets(pid):
    """Those that the process has open."""
    n = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            n += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
        except OSError:
            pass
    return n


def is_sanitized():
    with open(SUMI, "rb") as f:
        data = f.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def check_memory(memory):
    third = len(memory) // 3
    middle, end = statistics.median(memory[third:2 * third]), statistics.median(memory[2 * third:])
    print(f"resident: {middle / 2**20:.1f} MiB, then {end / 2**20:.1f} MiB; at most {max(memory) / 2**20:.1f} MiB")
    if is_sanitized():
        print("a sanitizer keeps what was freed: whether memory grows is not looked at")
    else:
        noise = NOISE if SECONDS < 60 else 0
        check("resident memory is flat", end <= 1.05 * middle + noise, (middle, end))


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
server = Server("--ctx", "512", "--max-seqs", str(RUNNING), "--max-queue", str(RUNNING), "--max-body", str(MAX_BODY),
                "--kv-memory", "192M", "--heartbeat", "1", "--drain-timeout", "60", "--log-level", "error")
n_sockets = sockets(server.process.pid)
memory, batches = asyncio.run(load(server))
print("seen:", ", ".join(f"{what} {n}" for what, n in sorted(seen.items())))
print(f"running: {statistics.mean(batches):.1f} on average, at most {max(batches)}")
check("well-formed requests were answered", seen.get("stream 200", 0) > 0 and seen.get("answer 200", 0) > 0, seen)
server.wait_for("nothing runs on", lambda: server.metric("vllm:num_requests_running{") == 0 and
                server.metric("vllm:num_requests_waiting{") == 0)
server.wait_for("all blocks are free", lambda: server.ask("GET", "/stats")[1]["kv"]["used"] == 0)
server.wait_for("no connection is left over", lambda: sockets(server.process.pid) <= n_sockets + 1)
check("the process lives", server.process.poll() is None and server.ask("GET", "/ready")[0] == 200)
check_memory(memory)
server.end()
finish()
