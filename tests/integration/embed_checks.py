"""embed_checks.py - what test_serve_embed.sh asks of a running `sumi serve`: vectors of the three endpoints.

usage: embed_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import base64, http.client, json, math, struct, subprocess, threading

from served import CHAT, MODEL, SUMI, Server, chat, check, finish

EMBED, OLLAMA, OLDER = "/v1/embeddings", "/api/embed", "/api/embeddings"
TEXTS = ["The cat sat on the mat.", "Ein kleines Haus am See", "def f(x): return x + 1"]
N_EMBD = 576


def vectors(answer):
    return [d["embedding"] for d in answer["data"]]


def length(v):
    return math.sqrt(sum(x * x for x in v))


def answers(s):
    status, whole, _ = s.ask("POST", EMBED, {"model": "smollm2", "input": TEXTS, "user": "u"})
    check("a list of texts is answered", status == 200 and whole["object"] == "list" and whole["model"] == "smollm2", whole)
    check("in their order", [(d["object"], d["index"]) for d in whole["data"]] == [("embedding", i) for i in range(3)])
    v = vectors(whole)
    check("vectors of length 1", all(len(x) == N_EMBD and abs(length(x) - 1) < 1e-5 for x in v), [length(x) for x in v])
    ids = [s.ask("POST", "/tokenize", {"prompt": t})[1]["tokens"] for t in TEXTS]
    check("usage counts tokens", whole["usage"] == {"prompt_tokens": sum(map(len, ids)), "total_tokens": sum(map(len, ids))},
          whole["usage"])
    check("one text alone", vectors(s.ask("POST", EMBED, {"input": TEXTS[1]})[1]) == [v[1]])
    check("ids are the same", vectors(s.ask("POST", EMBED, {"input": ids})[1]) == v)
    check("one list of ids", vectors(s.ask("POST", EMBED, {"input": ids[0]})[1]) == [v[0]])
    raw = vectors(s.ask("POST", EMBED, {"input": TEXTS, "encoding_format": "base64"})[1])
    check("base64 has the same floats", [list(struct.unpack(f"<{N_EMBD}f", base64.b64decode(x))) for x in raw] ==
          [[struct.unpack("<f", struct.pack("<f", y))[0] for y in x] for x in v])
    short = vectors(s.ask("POST", EMBED, {"input": TEXTS[0], "dimensions": 64})[1])[0]
    want = [x / length(v[0][:64]) for x in v[0][:64]]
    check("fewer dimensions are of length 1", all(abs(a - b) < 1e-6 for a, b in zip(short, want)) and len(short) == 64, short)
    full = s.ask("POST", EMBED, {"input": TEXTS[0], "dimensions": N_EMBD})[1]
    check("all dimensions are the vector", vectors(full) == v[:1])
    last = vectors(s.ask("POST", EMBED, {"input": TEXTS, "pooling": "last"})[1])
    mean = vectors(s.ask("POST", EMBED, {"input": TEXTS, "pooling": "mean"})[1])
    check("pooling is mean unless it is said", mean == v and all(a != b for a, b in zip(last, v)))
    check("the last token's, again from the cache", vectors(s.ask("POST", EMBED, {"input": TEXTS, "pooling": "last"})[1]) == last)
    return v, last


def ollama(s, v):
    body = {"model": "smollm2:latest"}
    status, one, _ = s.ask("POST", OLLAMA, {**body, "input": TEXTS[0]})
    check("Ollama's embed", status == 200 and one["embeddings"] == v[:1] and one["model"] == "smollm2" and
          one["prompt_eval_count"] > 0 and one["total_duration"] > 0, one)
    check("of a list", s.ask("POST", OLLAMA, {**body, "input": TEXTS, "keep_alive": "5m", "options": {}})[1]["embeddings"] == v)
    check("of nothing", s.ask("POST", OLLAMA, body)[1]["embeddings"] == [] and
          s.ask("POST", OLLAMA, {**body, "input": ""})[1]["embeddings"] == [])
    older = s.ask("POST", OLDER, {**body, "prompt": TEXTS[0]})[1]["embedding"]
    scale = length(older)
    check("the older one is not of length 1, but the same", abs(scale - 1) > 1e-3 and
          all(abs(a / scale - b) < 1e-6 for a, b in zip(older, v[0])), scale)
    plain = s.ask("POST", EMBED, {"input": TEXTS[0], "normalize": False})[1]["data"][0]["embedding"]
    check("OpenAI's is like it without normalize", plain == older, plain[:4])
    check("and it is like OpenAI's with it", s.ask("POST", OLDER, {**body, "prompt": TEXTS[0], "normalize": True})[1]["embedding"] == v[0])
    check("nor has it one of nothing", s.ask("POST", OLDER, body)[1] == {"embedding": []})
    long = {**body, "input": "word " * 3000}
    status, cut, _ = s.ask("POST", OLLAMA, long)
    check("a long text is cut", status == 200 and cut["prompt_eval_count"] == 2048, (status, cut))
    status, error, _ = s.ask("POST", OLLAMA, {**long, "truncate": False})
    check("unless that is not wanted", status == 400 and "2048" in error["error"], error)
    status, error, _ = s.ask("POST", EMBED, {"input": long["input"]})
    check("OpenAI's is refused", status == 400 and error["error"]["code"] == "context_length_exceeded", error)


def refusals(s):
    for path, param, body in [
        (EMBED, "input", {}), (EMBED, "input", {"input": ""}), (EMBED, "input", {"input": ["a", 5]}),
        (EMBED, "input", {"input": ["a"] * 2049}), (EMBED, "dimensions", {"input": "a", "dimensions": N_EMBD + 1}),
        (EMBED, "encoding_format", {"input": "a", "encoding_format": "hex"}), (EMBED, "pooling", {"input": "a", "pooling": "cls"}),
    ]:
        status, error, _ = s.ask("POST", path, body)
        check(f"{param} is refused", status == 400 and error["error"]["param"] == param, (status, error))
    for path, name in (OLLAMA, "input"), (OLDER, "prompt"):
        for body in {"model": 5}, {name: 5}, {"model": "smollm2", name: "a", "dimensions": 0}:
            status, error, _ = s.ask("POST", path, body)
            check(f"{path} refuses {body}", status == 400 and set(error) == {"error"}, (status, error))
        status, error, _ = s.ask("POST", path, {"model": "other", name: "a"})
        check(f"{path}: another model", status == 404 and set(error) == {"error"}, (status, error))
    status, error, _ = s.ask("POST", EMBED, {"input": [10 ** 6]})
    check("an id beyond the vocabulary", status == 400 and error["error"]["param"] == "input", error)
    check("another model", s.ask("POST", EMBED, {"input": "a", "model": "other"})[0] == 404)
    check("another method", s.ask("GET", EMBED)[0] == s.ask("GET", OLLAMA)[0] == 405)
    check("an empty one of several", s.ask("POST", OLLAMA, {"model": "smollm2", "input": ["a", ""]})[0] == 400)


def in_company(s, v):
    """The same vectors while chats run and other texts are embedded; all of a request that is longer than the queue."""
    many, results = [TEXTS[i % 3] for i in range(300)], []

    def embed():
        results.append(s.ask("POST", EMBED, {"input": many}))

    def talk():
        results.append(s.ask("POST", CHAT, chat("Count.", ignore_eos=True, max_tokens=30)))

    threads = [threading.Thread(target=f) for f in (embed, talk, talk)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check("all are answered", all(r[0] == 200 for r in results), [(r[0], str(r[1])[:200]) for r in results])
    got = next(r[1] for r in results if "data" in r[1])
    check("as they are alone", vectors(got) == [v[i % 3] for i in range(300)])


def departure(s):
    before = s.metric('vllm:request_success_total{finished_reason="abort"')
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=600)
    c.request("POST", EMBED, json.dumps({"input": ["word " * 1500] * 40}), {"Content-Type": "application/json"})
    s.wait_for("it runs", lambda: s.metric("vllm:num_requests_running{") > 0)
    c.sock.close()
    s.wait_for("a client that leaves ends its texts", lambda: s.metric("vllm:num_requests_running{") +
               s.metric("vllm:num_requests_waiting{") == 0 and
               s.metric('vllm:request_success_total{finished_reason="abort"') > before)
    check("others are answered", s.ask("POST", EMBED, {"input": "a"})[0] == 200)


server = Server("--max-queue", "100")
mean, last = answers(server)
ollama(server, mean)
refusals(server)
in_company(server, mean)
departure(server)
server.end()
other = Server("--pooling", "last", "--max-queue", "8", "--max-seqs", "2")
check("the server's pooling", vectors(other.ask("POST", EMBED, {"input": TEXTS})[1]) == last)
in_company(other, last)
other.end()
bad = subprocess.run([SUMI, "serve", MODEL, "--pooling", "max"], capture_output=True, text=True)
check("a pooling that is none", bad.returncode == 2 and "'max' is not mean, last or cls" in bad.stderr, bad.stderr)
finish()
