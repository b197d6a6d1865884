"""memory_checks.py - each allocation of a running server fails in turn, in each kind of request, and each of its start.

Called as `memory_checks.py SUMI_FAILING MODEL RUNS [KIND...]`. SUMI_FAILING is the program of tests/failing. RUNS: how many
allocations of each kind fail, spread evenly; 0: all, and every route must have a kind. A connection may also be closed without
an answer, if libmicrohttpd found no memory to wait for it: it then forgets the connection for --idle-timeout. What then comes must be the answer that comes without failures, an
error 500 or 503 in the form of the API, or, once a stream has begun, an error event or a connection that ends early; never
another answer with status 200, and never silence. The same request right after must get the right answer."""
import http.client, json, mmap, os, pathlib, re, select, signal, subprocess, sys, tempfile, time

switches = tempfile.NamedTemporaryFile()
switches.write(bytes(24))
switches.flush()
os.environ["LC_ALL"] = "C"  # for other locales the C library's setlocale() loses memory, which leak sanitizer tells
os.environ["SUMI_FAIL_SWITCHES"] = switches.name
shared = memoryview(mmap.mmap(switches.fileno(), 24)).cast("q")

from served import SUMI, Server, check, failed, finish, is_openai_error

RUNS, ONLY = int(sys.argv[3]), sys.argv[4:]
OWN_AFTER = 2  # see tests/failing/fail_alloc.h
SECONDS = 30  # which no request takes; a longer silence is one for ever
USER = [{"role": "user", "content": "Say “hi”."}]
LONG = "lorem ipsum " * 800  # more than the connection's thread tokenises itself


def openai(e):
    return set(e) == {"error"} and is_openai_error(e["error"])


def anthropic(e):
    return set(e) == {"type", "error", "request_id"} and e["type"] == "error" and set(e["error"]) == {"type", "message"}


def ollama(e):
    return set(e) == {"error"} and isinstance(e["error"], str)


GREEDY = {"temperature": 0, "max_tokens": 3}
OPTIONS = {"temperature": 0, "num_predict": 3}
# name: form of errors, path, body (None: GET)
KINDS = {
    "chat": (openai, "/v1/chat/completions", {"messages": USER, "logprobs": True, "top_logprobs": 2, **GREEDY}),
    "echo stream": (openai, "/v1/completions", {"prompt": [5, 6, 7], "stream": True, "echo": True, **GREEDY}),
    "chat stream": (openai, "/v1/chat/completions",
                    {"messages": USER, "stream": True, "stream_options": {"include_usage": True}, **GREEDY}),
    "completion": (openai, "/v1/completions",
                   {"prompt": "a b c", "n": 2, "stop": ["zzz"], "logit_bias": {"5": 1}, "seed": 1, "max_tokens": 3}),
    "two prompts": (openai, "/v1/completions", {"prompt": ["a b c", "d e"], "logprobs": 2, "echo": True, **GREEDY}),
    "messages": (anthropic, "/v1/messages", {"messages": USER, "system": "s", **GREEDY}),
    "messages stream": (anthropic, "/v1/messages", {"messages": USER, "stream": True, **GREEDY}),
    "responses": (openai, "/v1/responses",
                  {"input": "hello", "metadata": {"a": "b"}, "temperature": 0, "max_output_tokens": 16}),
    "responses stream": (openai, "/v1/responses",
                         {"input": "hello", "stream": True, "temperature": 0, "max_output_tokens": 16}),
    "ollama chat": (ollama, "/api/chat", {"messages": USER, "stream": False, "options": OPTIONS}),
    "ollama stream": (ollama, "/api/generate", {"prompt": "hello", "options": OPTIONS}),
    "ollama embed": (ollama, "/api/embed", {"input": ["a b", "c"]}),
    "ollama show": (ollama, "/api/show", {"model": "m"}),
    "embeddings": (openai, "/v1/embeddings", {"input": ["a b", "c"], "encoding_format": "base64"}),
    "tokenize": (openai, "/tokenize", {"prompt": "a b c\\u0000 d"}),
    "tokenize long": (openai, "/tokenize", {"prompt": LONG}),
    "detokenize": (openai, "/detokenize", {"tokens": [5, 6, 7, 8]}),
    "metrics": (openai, "/metrics", None),
    "tools": (openai, "/v1/chat/completions", {"messages": USER + [
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}]},
        {"role": "tool", "tool_call_id": "c", "content": "x"}], **GREEDY}),
    "models": (openai, "/v1/models", None),
    "model": (openai, "/v1/models/m", None),
    "props": (openai, "/props", None),
    "slots": (openai, "/slots", None),
    "stats": (openai, "/stats", None),
    "health": (openai, "/health", None),
    "ready": (openai, "/ready", None),
    "version": (openai, "/version", None),
    "openapi": (openai, "/openapi.json", None),
    "page": (openai, "/", None),
    "web file": (openai, "/web/app.js", None),
    "tokenizer": (openai, "/tokenizer_info", None),
    "template": (openai, "/apply-template", {"messages": USER}),
    "count": (anthropic, "/v1/messages/count_tokens", {"messages": USER}),
    "ollama embeddings": (ollama, "/api/embeddings", {"prompt": "a b"}),
    "ollama pull": (ollama, "/api/pull", {"model": "m", "stream": False}),
    "ollama tags": (ollama, "/api/tags", None),
    "ollama ps": (ollama, "/api/ps", None),
    "ollama version": (ollama, "/api/version", None),
    "wide": (openai, "/v1/completions", b'{"prompt": "a", "max_tokens": 2, "temperature": 0, "x": 99999999999999999999}'),
    "bad": (openai, "/v1/completions", {"prompt": "a", "max_tokens": "many"}),
}
REFUSED = {"bad", "tools"}  # the template of the model that is used here has no place for tools
PIECES = {"tokenize long", "tokenizer"}  # which are sent while they are written
MAX_CLOSED = 8  # libmicrohttpd waits two or three times in a request
COUNTERS = {"/stats", "/slots", "/api/ps", "/health", "/ready"}  # whose numbers and times grow
CHANGES = re.compile(r'"(id|created|created_at|\w+_duration|item_id|request_id)": ?("[^"]*"|[\d.]+)')


def same(path, body):
    """An answer without what differs between two equal ones."""
    if path == "/metrics":
        return [line.rsplit(" ", 1)[0] for line in body.splitlines() if not line.startswith("http_requests_total")]
    return re.sub(r"[\d.:TZ+-]+", "#", body) if path in COUNTERS else CHANGES.sub("", body)


def ask(s, path, body, fails=0, and_after=0):
    """Status and text; status None: the connection ended before a status, -1: while the body came. fails: the number of the
    allocation that does, once the connection is there."""
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=SECONDS)
    r = None
    try:
        c.request("GET", "/version")
        c.getresponse().read()
        shared[0], shared[2], shared[1] = 0, and_after, fails
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        c.request("POST" if body else "GET", path, data, {"Content-Type": "application/json"} if body else {})
        r = c.getresponse()
        text = r.read().decode()
        return r.status, text + ("" if r.status in (500, 503) else f"\n{sorted(r.headers.keys())}")
    except TimeoutError:
        return "silence", ""
    except http.client.IncompleteRead as e:
        return -1, e.partial.decode(errors="replace")
    except (ConnectionError, http.client.HTTPException):
        return -1 if r else None, ""
    finally:
        shared[1] = 0
        c.close()


def is_told(form, path, streams, right, status, text):
    """Whether what came instead of the right answer tells that it is not."""
    if status in (500, 503):
        try:
            return form(json.loads(text)) and "memory" in text
        except ValueError:
            return False
    return streams and (status == -1 or status == 200 and '"error"' in text and "memory" in text)


def fail_in_turn(s, name):
    form, path, body = KINDS[name]
    streams = "stream" in name or name in PIECES
    ask(s, path, body)  # fills the cache of prefixes, which some answers tell
    right = ask(s, path, body)
    check(f"{name}: an answer without failures", right[0] == (400 if name in REFUSED else 200), right)
    again = ask(s, path, body)
    n = shared[0] + 2
    check(f"{name}: twice the same", same(path, again[1]) == same(path, right[1]), (right, again))
    told = ended = closed = 0
    for i in range(1, n + 1, max(1, n // RUNS) if RUNS else 1):
        for and_after in (0, OWN_AFTER):
            status, text = ask(s, path, body, i, and_after)
            what = f"{name}: allocation {i} of {n}{' and all of sumi after it' * (and_after > 0)}"
            if s.process.poll() is not None:
                sys.exit(f"FAILED: {what}: the server ended: {s.process.returncode}: {s.said()[-3000:]}")
            if status == right[0] and same(path, text) == same(path, right[1]):
                continue
            check(f"{what}: the right answer, or one that tells", status is None or is_told(form, path, streams, right, status, text),
                  (status, text))
            told += status not in (None, -1)
            ended += status == -1
            closed += status is None
            status, text = ask(s, path, body)
            check(f"{what}: the next one is right", status == right[0] and same(path, text) == same(path, right[1]),
                  (status, text, right))
    check(f"{name}: few connections are closed without an answer", closed <= MAX_CLOSED, closed)
    print(f"{name}: {n} allocations, {told} times told, {ended} streams ended early, {closed} connections closed", flush=True)


def connect_without_memory(s):
    """Before a connection is known there is nobody to tell: it may be closed."""
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=SECONDS)
    shared[0], shared[2], shared[1] = 0, 0, 1
    try:
        c.request("GET", "/version")
        status = c.getresponse().status
    except (ConnectionError, http.client.HTTPException):
        status = None
    shared[1] = 0
    c.close()
    check("a connection without memory is closed or answered", status in (None, 200, 500), status)


# ---- The start ----

START = ["serve", "tests/golden/tiny/llama-linear.gguf", "--port", "0", "-t", "1", "--ctx", "64", "--model-name", "m", "--log-level",
         "error", "--isa", "ref"]


def start(fails=0, and_after=0):
    """Starts a server, asks it once and ends it: exit code, its answer, stderr, and how many allocations its start took."""
    shared[0], shared[2], shared[1] = 0, and_after, fails
    p = subprocess.Popen([SUMI] + START, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline() if select.select([p.stdout], [], [], SECONDS)[0] else "silence"
        answer = n = None
        for tries in range(100 * SECONDS if "http" in line else 0):
            if p.poll() is not None:
                break
            if tries == 20:  # without any memory it cannot tell that it is ready
                shared[1] = 0
            try:
                c = http.client.HTTPConnection("127.0.0.1", int(line.rsplit(":", 1)[1]), timeout=SECONDS)
                c.request("GET", "/ready")
                ready = c.getresponse().status == 200
                c.close()
            except (ConnectionError, http.client.HTTPException):
                ready = False
            if ready:
                n, shared[1] = shared[0], 0  # what is still to come of the start may fail no more
                c.request("POST", "/v1/completions", json.dumps({"prompt": "abc", **GREEDY}), {"Content-Type": "application/json"})
                r = c.getresponse()
                answer = r.status, CHANGES.sub("", r.read().decode())
                c.close()
                p.send_signal(signal.SIGTERM)
                break
            time.sleep(0.01)
        out, err = p.communicate(timeout=SECONDS)
        return p.returncode, answer, err, n
    except subprocess.TimeoutExpired:
        return "silence", None, "", None
    finally:
        shared[1] = 0
        p.kill()
        p.wait()


def fail_start_in_turn():
    right = start()
    check("a start without failures", right[0] == 0 and right[1] and right[1][0] == 200, right)
    n, told = right[3], 0
    for i in range(1, n + 1, max(1, n // RUNS) if RUNS else 1):
        for and_after in (0, OWN_AFTER):
            code, answer, err, _ = start(i, and_after)
            what = f"start: allocation {i} of {n}{' and all of sumi after it' * (and_after > 0)}"
            refused = code == 1 and answer is None and re.fullmatch(r"[^\n]*(memory|thread)[^\n]*\n", err)
            check(f"{what}: it serves, or says why not", refused or (code, answer, err) == right[:3], (code, answer, err))
            told += code == 1
    print(f"start: {n} allocations, {told} times told", flush=True)


def check_routes():
    source = pathlib.Path("src/server/http/route.c").read_text()
    routes = re.findall(r'\{ "(GET|POST)", "([^"]+)"', source)
    asked = {("POST" if body else "GET", path) for _, path, body in KINDS.values()}
    for method, path in routes:
        there = any(m == method and (p == path or (path.endswith("*") and p.startswith(path[:-1]))) for m, p in asked)
        check(f"{method} {path} is asked", there)
    check("there are routes", len(routes) > 20, routes)


def main():
    if not ONLY:
        check_routes()
    if not ONLY or "start" in ONLY:
        fail_start_in_turn()
    s = Server("--model-name", "m", "--log-level", "error", "--allowed-host", "*", "--idle-timeout", "2")
    connect_without_memory(s)
    for name in KINDS:
        if not ONLY or name in ONLY:
            fail_in_turn(s, name)
    s.end(silent=False)


main()
finish()
