"""ops_checks.py - what test_serve_ops.sh asks of a running `sumi serve`: limits, time limits, the log, keys, TLS, numbers.

usage: ops_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import json, os, re, select, signal, socket, ssl, subprocess, tempfile

from served import CHAT, MODEL, SUMI, TEXT, Server, chat, check, finish

JSON = "Content-Type: application/json\r\n"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def raw(s, *parts):
    """What comes back for these bytes, until the server closes or the answer has ended."""
    with socket.create_connection(("127.0.0.1", s.port), timeout=600) as c:
        for part in parts:
            c.sendall(part.encode())
        return read_answer(c)


def read_answer(c):
    got = b""
    while True:
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if body and length and len(body) >= int(length[1]):
            return got.decode()
        try:
            data = c.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return got.decode()
        got += data


def status_of(answer):
    return int(answer.split(" ", 2)[1]) if answer.startswith("HTTP/1.1 ") else answer


def drip(s, first):
    """Sends a byte again and again until the server ends it: the answer."""
    with socket.create_connection(("127.0.0.1", s.port), timeout=600) as c:
        c.sendall(first.encode())
        c.settimeout(0.05)
        for _ in range(1200):
            try:
                data = c.recv(65536)
                return data.decode() if data else "closed"
            except TimeoutError:
                pass
            except ConnectionResetError:
                return "reset"
            try:
                c.sendall(b"x")
            except OSError:
                c.settimeout(600)
                return c.recv(65536).decode()
        return "still open after a minute"


def slow_clients():
    s = Server("--header-timeout", "0.3", "--body-timeout", "0.3", "--log-level", "info")
    answer = drip(s, "GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    check("headers that never end are 408, although bytes come", status_of(answer) == 408, answer)
    answer = drip(s, f"POST {TEXT} HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: 5000\r\n\r\n")
    check("a body that never ends is 408, although bytes come", status_of(answer) == 408, answer)
    check("408 is an error object", json.loads(answer.split("\r\n\r\n")[1])["error"]["code"] == "request_too_slow", answer)
    answer = drip(s, f"POST {TEXT} HTTP/1.1\r\nHost: a\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n1000\r\n")
    check("a chunked one too", status_of(answer) == 408, answer)
    check("an answer takes its time", s.ask("POST", TEXT, {"prompt": "1, 2,", "max_tokens": 400, "ignore_eos": True})[0] == 200)
    s.wait_for("the log and the numbers tell it", lambda: s.metric('http_requests_total{path="other",status="408"') == 1 and
               s.metric(f'http_requests_total{{path="{TEXT}",status="408"') == 2 and s.said().count(" 408 ") == 3)
    s.end(silent=False)


def sizes():
    s = Server("--max-body", "100K")
    head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\n{JSON}Expect: 100-continue\r\n"
    answer = raw(s, head + "Content-Length: 9999999\r\n\r\n")
    check("a large body is refused before it is sent", status_of(answer) == 413, answer)
    with socket.create_connection(("127.0.0.1", s.port), timeout=600) as c:
        body = json.dumps(chat("Hi", max_tokens=1))
        c.sendall((head + f"Content-Length: {len(body)}\r\n\r\n").encode())
        first = c.recv(1000).decode()
        check("others are asked for", first == "HTTP/1.1 100 Continue\r\n\r\n", first)
        c.sendall(body.encode())
        check("and answered", status_of(read_answer(c)) == 200)
    answer = raw(s, f"POST {CHAT} HTTP/1.1\r\nHost: a\r\n{JSON}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n".replace(
        "application/json", "text/plain"))
    check("a wrong type too", status_of(answer) == 415, answer)
    chunk = "10000\r\n" + "x" * 65536 + "\r\n"
    answer = raw(s, f"POST {CHAT} HTTP/1.1\r\nHost: a\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n", chunk * 3, "0\r\n\r\n")
    check("a chunked body is counted", status_of(answer) == 413, answer)
    answer = raw(s, "GET /health HTTP/1.1\r\nHost: a\r\nX-Large: " + "x" * 40000 + "\r\n\r\n")
    check("large headers are 431", status_of(answer) == 431, answer)
    check("in an error object", '"headers_too_large"' in answer, answer)
    answer = raw(s, "GET /health HTTP/1.1\r\nHost: a\r\nX-Large: " + "x" * 200000 + "\r\n\r\n")
    check("larger ones too", answer == "" or status_of(answer) == 431, answer)
    s.end()


def connections():
    s = Server("--max-connections", "2", "--max-connections-ip", "1")
    kept = s.connect()
    check("the first is served", s.ask("GET", "/health", connection=kept)[0] == 200)
    status, body, headers = s.ask("GET", "/health")
    check("a second one of an address is 429", status == 429 and body["error"]["code"] == "too_many_connections", body)
    check("and is closed", headers["Connection"] == "close" and int(headers["Retry-After"]) > 0, headers)
    answer = raw(s, f"POST {CHAT} HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: 2\r\n\r\n{{}}")
    check("so is a POST", status_of(answer) == 429, answer)
    check("the first one still is", s.ask("GET", "/health", connection=kept)[0] == 200)
    kept.close()
    s.wait_for("there is room again", lambda: s.ask("GET", "/health")[0] == 200)
    s.end()
    s = Server("--max-connections", "1")
    kept = s.connect()
    check("the first is served", s.ask("GET", "/health", connection=kept)[0] == 200)
    status, body, headers = s.ask("GET", "/health")
    check("one too many is 503", status == 503 and int(headers["Retry-After"]) > 0, body)
    crowd = [socket.create_connection(("127.0.0.1", s.port), timeout=600) for _ in range(100)]
    s.wait_for("many too many are closed at once", lambda: len(select.select(crowd, [], [], 0)[0]) == 100 - 64)
    check("the first one does not notice", s.ask("POST", CHAT, chat("Hi", max_tokens=1), connection=kept)[0] == 200)
    for c in crowd:
        c.close()
    s.end()


def headers():
    s = Server("--cors-origin", "https://a.example")
    get = lambda h: s.ask("GET", "/health", None, h)[2]
    check("a traceparent comes back", get({"traceparent": TRACE})["traceparent"] == TRACE)
    for bad in ("00-0af7", TRACE.upper(), TRACE + "-x", "<script>", "00-" + "0" * 32 + "-b7ad6b7169203331-01"):
        check("another one does not", get({"traceparent": bad})["traceparent"] is None, bad)
    check("nothing comes where nothing was sent", get({})["traceparent"] is None)
    for bad in ("x" * 65, "a\tb", "a;b", "é", ""):
        got = get({"X-Request-Id": bad.encode()})["X-Request-Id"]
        check("a hostile id is replaced", got.startswith("req-"), (bad, got))
    preflight = s.ask("OPTIONS", CHAT, None, {"Origin": "https://a.example", "Access-Control-Request-Method": "POST",
                                             "Access-Control-Request-Headers": "authorization,content-type"})
    allowed = preflight[2]["Access-Control-Allow-Headers"].lower()
    check("a preflight allows what clients send", preflight[0] == 204 and "POST" in preflight[2]["Access-Control-Allow-Methods"]
          and all(h in allowed for h in ("authorization", "content-type", "x-api-key")), preflight[2])
    status, body, h = s.ask("HEAD", "/health")
    check("HEAD is GET without its body", status == 200 and body == b"" and int(h["Content-Length"]) > 0, h)
    check("HEAD of nothing is 404", s.ask("HEAD", "/nowhere")[0] == 404)
    status, body, h = s.ask("PUT", CHAT, "{}", {"Content-Type": "application/json"})
    check("405 tells the methods", status == 405 and h["Allow"] == "POST, OPTIONS", h)
    old = raw(s, "GET /health HTTP/1.0\r\n\r\n")
    check("HTTP/1.0 is answered", status_of(old) == 200, old)
    two = raw(s, "GET /version HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    check("requests sent ahead are answered in order", status_of(two) == 200 and '"version"' in two, two)
    s.end()


def log():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        s = Server("--log-file", path, "--log-format", "json", "--log-level", "info")
        lines = lambda name=path: [json.loads(l) for l in open(name)]
        s.ask("POST", TEXT, {"prompt": "a secret \"prompt\"", "max_tokens": 4, "ignore_eos": True},
              {"X-Request-Id": "one", "traceparent": TRACE, "Authorization": "Bearer sk-secret"})
        s.ask("GET", "/no%1b%0a<where>?key=secret")
        s.ask("GET", "/health")
        s.wait_for("both are logged", lambda: len([l for l in lines() if l["message"] == "request"]) == 2)
        one = next(l for l in lines() if l.get("id") == "one")
        want = {"method": "POST", "path": TEXT, "status": 200, "client": "127.0.0.1", "generated_tokens": 4,
                "cached_tokens": 0, "finish": "length", "trace_id": TRACE[3:35], "level": "info"}
        check("a request is one line with all there is to say", want.items() <= one.items() and
              one["prompt_tokens"] > 3 and 0 < one["first_token_ms"] <= one["ms"], one)
        check("neither prompts nor keys are in it", "secret" not in open(path).read())
        check("what is well is not logged", not any(l.get("path") == "/health" for l in lines()))
        os.rename(path, path + ".1")
        s.process.send_signal(signal.SIGHUP)
        s.wait_for("SIGHUP opens the file anew", lambda: os.path.exists(path))
        s.ask("GET", "/v1/models")
        s.wait_for("lines go into the new one", lambda: len(lines()) == 1)
        check("and not into the old one", not any(l.get("path") == "/v1/models" for l in lines(path + ".1")))
        s.end()
        check("the end is logged", "ending" in lines()[-1]["message"], lines())
        s = Server("--log-file", path, "--log-prompts", "--log-level", "info")
        s.ask("POST", TEXT, {"prompt": "a secret\nprompt", "max_tokens": 1}, {"X-Request-Id": "two"})
        s.end()
        bodies = [l for l in open(path) if " body two " in l]
        check("prompts are logged if that is asked for", len(bodies) == 1 and "a secret" in bodies[0], bodies)


def bad_use():
    def fails(code, pattern, *options, model=MODEL):
        r = subprocess.run([SUMI, "serve", model, "--port", "0", *options], capture_output=True, text=True)
        lines = [l for l in r.stderr.splitlines() if l.startswith("sumi")]
        check(f"{options}: one line", r.returncode == code and len(lines) == 1 and re.search(pattern, lines[0])
              and not r.stdout, r)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        open(path, "w").write("ann nothex\n")
        taken = socket.create_server(("127.0.0.1", 0))
        fails(1, "port .*in use", "--port", str(taken.getsockname()[1]))
        fails(1, "no model of that name", model="no-such-model")
        fails(1, "line 1: .*64 hex digits", "--api-key-file", path)
        fails(1, "No such file", "--api-key-file", path + "2")
        fails(1, "No such file", "--log-file", os.path.join(folder, "no", "log"))
        fails(1, "certificate", "--tls-cert", path, "--tls-key", path)
        fails(2, "go together", "--tls-cert", path)
        fails(1, "--allow-anonymous", "--host", "0.0.0.0")
        fails(1, "not an address", "--host", "example.com")
        fails(2, "neither 'text' nor 'json'", "--log-format", "xml")
        fails(2, "not between", "--header-timeout", "-1")


slow_clients()
sizes()
connections()
headers()
log()
bad_use()
finish()
