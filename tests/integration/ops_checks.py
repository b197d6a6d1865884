"""ops_checks.py - what test_serve_ops.sh asks of a running `sumi serve`: limits, time limits, the log, keys, TLS, numbers.

usage: ops_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import ctypes, hashlib, http.client, json, os, random, re, select, shutil, signal, socket, ssl, subprocess, tempfile, warnings

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
    answer = drip(s, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    check("headers that never end are 408, although bytes come", status_of(answer) == 408, answer)
    answer = drip(s, f"POST {TEXT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 5000\r\n\r\n")
    check("a body that never ends is 408, although bytes come", status_of(answer) == 408, answer)
    check("408 is an error object", json.loads(answer.split("\r\n\r\n")[1])["error"]["code"] == "request_too_slow", answer)
    answer = drip(s, f"POST {TEXT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n1000\r\n")
    check("a chunked one too", status_of(answer) == 408, answer)
    check("an answer takes its time", s.ask("POST", TEXT, {"prompt": "1, 2,", "max_tokens": 400, "ignore_eos": True})[0] == 200)
    # At least these: on a busy machine a request of this test may itself take longer than 0.3 s to send.
    s.wait_for("the log and the numbers tell it", lambda: s.metric('http_requests_total{path="other",status="408"') >= 1 and
               s.metric(f'http_requests_total{{path="{TEXT}",status="408"') >= 2 and s.said().count(" 408 ") >= 3)
    s.end(silent=False)


def sizes():
    s = Server("--max-body", "100K")
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Expect: 100-continue\r\n"
    answer = raw(s, head + "Content-Length: 9999999\r\n\r\n")
    check("a large body is refused before it is sent", status_of(answer) == 413, answer)
    with socket.create_connection(("127.0.0.1", s.port), timeout=600) as c:
        body = json.dumps(chat("Hi", max_tokens=1))
        c.sendall((head + f"Content-Length: {len(body)}\r\n\r\n").encode())
        first = c.recv(1000).decode()
        check("others are asked for", first == "HTTP/1.1 100 Continue\r\n\r\n", first)
        c.sendall(body.encode())
        check("and answered", status_of(read_answer(c)) == 200)
    answer = raw(s, f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n".replace(
        "application/json", "text/plain"))
    check("a wrong type too", status_of(answer) == 415, answer)
    chunk = "10000\r\n" + "x" * 65536 + "\r\n"
    answer = raw(s, f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n", chunk * 3, "0\r\n\r\n")
    check("a chunked body is counted", status_of(answer) == 413, answer)
    answer = raw(s, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Large: " + "x" * 40000 + "\r\n\r\n")
    check("large headers are 431", status_of(answer) == 431, answer)
    check("in an error object", '"headers_too_large"' in answer, answer)
    answer = raw(s, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Large: " + "x" * 200000 + "\r\n\r\n")
    check("larger ones too", answer == "" or status_of(answer) == 431, answer)
    s.end()


def connections():
    s = Server("--max-connections", "2", "--max-connections-ip", "1")
    kept = s.connect()
    check("the first is served", s.ask("GET", "/health", connection=kept)[0] == 200)
    status, body, headers = s.ask("GET", "/health")
    check("a second one of an address is 429", status == 429 and body["error"]["code"] == "too_many_connections", body)
    check("and is closed", headers["Connection"] == "close" and int(headers["Retry-After"]) > 0, headers)
    answer = raw(s, f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 2\r\n\r\n{{}}")
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
    two = raw(s, "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check("requests sent ahead are answered in order", status_of(two) == 200 and '"version"' in two, two)
    s.end()


def log():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        s = Server("--log-file", path, "--log-format", "json", "--log-level", "info")
        lines = lambda name=path: [json.loads(l) for l in open(name)]
        s.ask("POST", TEXT, {"prompt": "a secret \"prompt\"", "max_tokens": 4, "ignore_eos": True},
              {"X-Request-Id": "one", "traceparent": TRACE, "Authorization": "Bearer sk-secret"})
        s.ask("GET", "/no%1b%0a<where>?key=secret", None, {"User-Agent": "curl/1 \x1b[2J\"x\""})
        s.ask("POST", "/completions", {"prompt": "a", "temperature": "hot"}, {"User-Agent": "a" * 500})
        s.ask("GET", "/health")
        s.wait_for("all are logged", lambda: len([l for l in lines() if l["message"] == "request"]) == 3)
        lost = next(l for l in lines() if l.get("status") == 404)
        check("a path that is none is shown as it was sent", lost["path"] == "/no%1b%0a<where>" and "curl/1" in lost["agent"], lost)
        wrong = next(l for l in lines() if l.get("status") == 400)
        check("a refusal has the field that is wrong", wrong["path"] == "/completions" and wrong["param"] == "temperature" and
              wrong["agent"] == "a" * 120, wrong)
        refused = raw(s, f"POST {TEXT} HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: x\r\n\r\n")
        s.wait_for("what MHD refuses is logged and counted", lambda: status_of(refused) == 400 and [
            (l["path"], l["client"]) for l in lines() if l.get("error") == "malformed_request"] == [(TEXT, "127.0.0.1")] and
            s.metric('http_requests_total{path="other",status="400"') == 1)
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
        s.wait_for("lines go into the new one", lambda: [l.get("path") for l in lines()] == [None, "/v1/models"])
        check("and not into the old one", not any(l.get("path") == "/v1/models" for l in lines(path + ".1")))
        s.end()
        check("the end is logged", "shutting down" in lines()[-1]["message"], lines())
        check("an error has its code", [l.get("error") for l in lines(path + ".1") if l.get("status") == 404] == ["not_found"])
        s = Server("--log-file", path, "--log-prompts", "--log-level", "info")
        s.ask("POST", TEXT, {"prompt": "a secret\nprompt", "max_tokens": 1}, {"X-Request-Id": "two", "User-Agent": "x \x1b y"})
        s.end()
        check("an agent is one word in text", any('agent="x ' in l and "\x1b" not in l for l in open(path)))
        bodies = [l for l in open(path) if " body two " in l]
        check("prompts are logged if that is asked for", len(bodies) == 1 and "a secret" in bodies[0], bodies)


def signals():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        s = Server("--log-file", path, "--log-level", "info")
        for number in (signal.SIGUSR2, signal.SIGALRM):
            s.process.send_signal(number)
        os.rename(path, path + ".1")
        s.process.send_signal(signal.SIGUSR1)
        s.wait_for("SIGUSR1 opens the log anew", lambda: os.path.exists(path))
        check("the server goes on", s.ask("POST", CHAT, chat("Hi", max_tokens=1))[0] == 200)
        s.process.send_signal(signal.SIGQUIT)
        check("SIGQUIT ends in order", s.process.wait(600) == 0 and "shutting down: running answers" in open(path).read())

    def asked_to_end():  # the signal waits until the program fetches it, which is before the model is there
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        os.kill(os.getpid(), signal.SIGTERM)

    r = subprocess.run([SUMI, "serve", MODEL, "--port", "0"], capture_output=True, text=True, preexec_fn=asked_to_end)
    check("SIGTERM does not wait for the model", r.returncode == 0 and r.stdout == "" and "before the model is loaded" in r.stderr, r)


def names():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")
        open(path, "w").write(f"ann {hashlib.sha256(b'secret').hexdigest()}\n")
        s = Server("--api-key-file", path, "--allowed-host", "known.example")
        ask = lambda host, key: s.ask("GET", "/v1/models", None, {"Host": host, "Authorization": "Bearer " + key})[0]
        check("who has a key may ask by any name", ask("evil.example", "secret") == 200)
        check("a wrong key is 401", ask("evil.example", "wrong") == 401)
        check("what is open has its names", [s.ask("GET", "/health", None, {"Host": h})[0] for h in (
            "evil.example", "known.example", "localhost")] == [403, 200, 200])
        s.end()


def proxies():
    s = Server("--trusted-proxy", "127.0.0.0/8", "--max-connections-ip", "1", "--log-level", "info")
    endless = json.dumps({"prompt": "1,", "ignore_eos": True, "max_tokens": 1900, "stream": True})
    kept = s.connect()
    kept.request("POST", TEXT, endless, {"Content-Type": "application/json", "X-Forwarded-For": "203.0.113.9, 192.0.2.7, 127.0.0.9"})
    kept.getresponse().read1(10)
    ask = lambda h: s.ask("GET", "/v1/models", None, h)[0]
    check("connections of a proxy count for its clients", [ask(h) for h in (
        {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "192.0.2.8"}, {"X-Real-IP": "192.0.2.7"}, {})] == [429, 200, 429, 200])
    kept.close()
    s.wait_for("the log has the client", lambda: f"POST {TEXT} 200" in s.said() and "client=192.0.2.7 " in s.said())
    s.end(silent=False)
    s = Server("--log-level", "info")
    s.ask("GET", "/v1/models", None, {"X-Forwarded-For": "192.0.2.7"})
    s.wait_for("who is not trusted is not believed", lambda: "GET /v1/models 200" in s.said() and "192.0.2.7" not in s.said())
    s.end(silent=False)


def budgets():
    """What a key may use holds for requests that come together, and a reload of the file forgets nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")
        line = lambda name, settings: f"{name} {hashlib.sha256(name.encode()).hexdigest()} {settings}\n"
        write = lambda *lines: open(path, "w").writelines(lines)
        all_ = [line("tokens", "tpm=200"), line("one", "concurrent=1"), line("rare", "rpm=2"), line("wide", "concurrent=4 rpm=5"),
                line("gone", ""), line("api", "scope=api")]
        write(*all_)
        s = Server("--api-key-file", path, "--log-level", "info")
        key = lambda name: {"Authorization": "Bearer " + name}
        post = lambda name, **more: s.ask("POST", TEXT, {"prompt": "1, 2, 3,", "max_tokens": 1, "ignore_eos": True, **more}, key(name))[0]
        n_reloads = lambda: s.said().count("were read again")

        def reload():
            n = n_reloads()
            s.process.send_signal(signal.SIGHUP)
            s.wait_for("it is read again", lambda: n_reloads() > n)

        busy = s.connect()
        busy.request("POST", TEXT, json.dumps({"prompt": "1,", "max_tokens": 1900, "ignore_eos": True, "stream": True}),
                     {"Content-Type": "application/json", **key("tokens")})
        busy.getresponse().read1(10)
        check("tokens are taken before they are made", [post("tokens") for _ in range(3)] == [429] * 3)
        busy.close()
        s.wait_for("what was not used comes back", lambda: post("tokens") == 200)
        running = s.connect()
        running.request("POST", TEXT, json.dumps({"prompt": "1,", "max_tokens": 1900, "ignore_eos": True, "stream": True}),
                        {"Content-Type": "application/json", **key("one")})
        running.getresponse().read1(10)
        got = [post("rare")]
        reload()
        got += [post("one"), post("rare"), post("rare")]
        check("a reload forgets neither who runs nor what is left", got == [200, 429, 200, 429], got)
        running.close()
        check("each answer counts", [post("wide", n=5, temperature=1), post("wide", n=4, temperature=1), post("wide", n=4, temperature=1)] ==
              [429, 200, 429])
        last = s.connect()
        last.request("POST", TEXT, json.dumps({"prompt": "1,", "max_tokens": 1900, "ignore_eos": True, "stream": True}),
                     {"Content-Type": "application/json", **key("gone")})
        answer = last.getresponse()
        answer.read1(10)
        write(*(l for l in all_ if not l.startswith("gone")))
        reload()
        try:
            rest = answer.read()
        except (http.client.HTTPException, OSError):
            rest = b""
        check("a stream of a key that is gone ends", b"[DONE]" not in rest and post("gone") == 401)
        numbers = [s.ask("GET", path_, None, key("api")) for path_ in ("/metrics", "/stats", "/slots", "/version")]
        check("a key for the API sees no numbers", all(n[0] == 403 for n in numbers) and post("api") == 200)
        check("and is told which", "/metrics, /stats, /slots and /version" in numbers[0][1]["error"]["message"], numbers[0])
        os.chmod(path, 0o666)
        s.process.send_signal(signal.SIGHUP)
        s.wait_for("a file that everybody may write to is refused", lambda: "every user of this machine may write to the file" in s.said())
        s.end(silent=False)


def time_limits():
    endless = {"prompt": "1, 2, 3,", "ignore_eos": True, "max_tokens": 1900}
    s = Server("--max-seqs", "1", "--queue-timeout", "0.2")
    first = s.connect()
    first.request("POST", TEXT, json.dumps(endless), {"Content-Type": "application/json"})
    s.wait_for("one runs", lambda: s.metric("vllm:num_requests_running{") == 1)
    status, body, h = s.ask("POST", TEXT, endless)
    check("too long in the queue", status == 503 and body["error"]["code"] == "queue_timeout" and h["Retry-After"], body)
    first.close()
    s.end()
    for option, code, ask in (("--first-token-timeout", "first_token_timeout", {"prompt": [100] * 2000}),
                              ("--request-timeout", "request_timeout", endless)):
        s = Server(option, "0.01")
        status, body, _ = s.ask("POST", TEXT, ask)
        check(f"{option} is 504", status == 504 and body["error"]["code"] == code, body)
        s.end()


def limits():
    s = Server("--max-prompt-tokens", "10", "--max-choices", "2", "--max-stop", "1")
    for body, want in (({"prompt": [100] * 11}, 400), ({"prompt": [100] * 10}, 200), ({"prompt": [[1], [100] * 11]}, 400),
                       ({"prompt": "a", "n": 3}, 400), ({"prompt": "a", "n": 2}, 200), ({"prompt": "a", "best_of": 3}, 400),
                       ({"prompt": "a", "stop": ["a", "b"]}, 400), ({"prompt": "a", "stop": ["a"]}, 200)):
        status, answer, _ = s.ask("POST", TEXT, {"max_tokens": 1, **body})
        check(f"{str(body)[:60]} is {want}", status == want, answer)
    for path in "/v1/messages", "/v1/messages/count_tokens":  # what would be refused is not counted
        status, answer, _ = s.ask("POST", path, {**chat("a"), "max_tokens": 1, "stop_sequences": ["a", "b"]})
        check(f"two stop_sequences at {path}", status == 400 and "stop_sequences" in answer["error"]["message"], answer)
    status, answer, _ = s.ask("POST", path, {**chat("a"), "stop_sequences": ["a"]})
    check("one of them is counted", status == 200 and answer["input_tokens"] > 10, answer)
    s.end()


def defaults():
    s = Server("--temp", "0", "--max-answer-tokens", "3", "-n", "2")
    best = s.ask("POST", TEXT, {"prompt": "1, 2, 3,", "temperature": 0, "max_tokens": 9, "ignore_eos": True})[1]
    check("an answer ends at the cap", best["usage"]["completion_tokens"] == 3 and
          best["choices"][0]["finish_reason"] == "length", best)
    long = {**chat("Count to a hundred."), "max_tokens": 50}
    check("which is no full context", s.ask("POST", "/v1/messages", long)[1]["stop_reason"] == "max_tokens")
    for path, body in (TEXT, {"prompt": "1, 2, 3,"}), ("/api/generate", {"prompt": "1, 2, 3,", "raw": True, "stream": False}):
        answer = s.ask("POST", path, body)[1]
        text = answer["choices"][0]["text"] if path == TEXT else answer["response"]
        check(f"{path}: what a request does not say is as the options do", best["choices"][0]["text"].startswith(text) and
              len(text) > 0, answer)
    s.end()


def capped_budget():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")
        open(path, "w").write(f"ann {sha('one')} tpm=1000\n")
        s = Server("--api-key-file", path, "--max-answer-tokens", "300")
        body = {"prompt": "1, 2, 3,", "ignore_eos": True, "max_tokens": 1900}
        key = {"Authorization": "Bearer one"}
        first = s.connect()
        first.request("POST", TEXT, json.dumps({**body, "stream": True}), {"Content-Type": "application/json", **key})
        first.getresponse().read1(10)
        check("a key pays for the tokens that the cap allows", s.ask("POST", TEXT, body, key)[0] == 200)
        first.close()
        s.end()


def draining():
    s = Server("--drain-timeout", "600")
    with socket.create_connection(("127.0.0.1", s.port), timeout=600) as kept:
        kept.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check("ready", status_of(read_answer(kept)) == 200)
        running = s.connect()
        running.request("POST", TEXT, json.dumps({"prompt": "1,", "ignore_eos": True, "max_tokens": 1900, "stream": True}),
                        {"Content-Type": "application/json"})
        reply = running.getresponse()
        reply.readline()
        s.process.send_signal(signal.SIGTERM)

        def answer():
            kept.sendall(b"GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return read_answer(kept)
        s.wait_for("while it drains it is not ready", lambda: status_of(last := answer()) == 503 and "shutting_down" in last)
    running.close()
    s.end()


def impatience():
    s = Server("--drain-timeout", "600")
    c = s.connect()
    c.request("POST", TEXT, json.dumps({"prompt": "1,", "ignore_eos": True, "max_tokens": 1900, "stream": True}),
              {"Content-Type": "application/json"})
    c.getresponse().readline()
    s.process.send_signal(signal.SIGINT)
    s.wait_for("Ctrl-C twice ends at once", lambda: s.process.send_signal(signal.SIGINT) or s.process.poll() == -signal.SIGINT)
    c.close()


def sha(key):
    return hashlib.sha256(key.encode()).hexdigest()


def keys():
    with tempfile.TemporaryDirectory() as folder:
        path, log = os.path.join(folder, "keys"), os.path.join(folder, "log")
        made = subprocess.run([SUMI, "serve", "--hash-key", "ann"], input="secret\n", capture_output=True, text=True)
        check("--hash-key writes a line", made.stdout == f"ann {sha('secret')}\n" and made.returncode == 0, made)
        fresh = subprocess.run([SUMI, "serve", "--hash-key", "eve"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        key = fresh.stderr.split()[-1]
        check("or makes a key", len(key) > 40 and fresh.stdout == f"eve {sha(key)}\n", fresh)
        bad = subprocess.run([SUMI, "serve", "--hash-key", "a b"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        check("a name is plain", bad.returncode == 1 and len(bad.stderr.splitlines()) == 1, bad)
        open(path, "w").write(made.stdout + fresh.stdout + f"bob {sha('two')} tpm=5\ncat {sha('three')} concurrent=1\n"
                              f"dan {sha('four')} scope=status\nfay {sha('five')} tpm=20\n")
        s = Server("--api-key-file", path, "--log-file", log, "--log-level", "info", "--max-queue-key", "1", "--max-seqs", "1")
        bearer = lambda k: {"Authorization": "Bearer " + k}
        hi = chat("Hi", max_tokens=1)
        status, body, h = s.ask("POST", CHAT, hi)
        check("no key is 401", status == 401 and h["WWW-Authenticate"] == "Bearer" and
              body["error"]["code"] == "missing_api_key", (body, h))
        check("also for what is not there", s.ask("GET", "/nowhere")[0] in (401, 404))
        check("a made key opens", s.ask("GET", "/v1/models", None, bearer(key))[0] == 200)
        for path_, want in (("/metrics", 200), ("/stats", 200), ("/version", 200), ("/v1/models", 403), (CHAT, 403)):
            got = s.ask("POST" if path_ == CHAT else "GET", path_, hi if path_ == CHAT else None, bearer("four"))
            check(f"a key for numbers: {path_} is {want}", got[0] == want, got[1])
        status, body, h = s.ask("POST", CHAT, hi, bearer("four"))
        check("403 has its code", body["error"] == {**body["error"], "type": "permission_error", "code": "permission_denied"}, body)
        got = [s.ask("POST", CHAT, hi, bearer("two")) for _ in range(2)]
        check("tokens in a minute", [g[0] for g in got] == [200, 429] and int(got[1][2]["Retry-After"]) >= 60, got)
        endless = json.dumps({"prompt": "1,", "ignore_eos": True, "max_tokens": 1900, "stream": True})

        def start(k):
            c = s.connect()
            c.request("POST", TEXT, endless, {"Content-Type": "application/json", **bearer(k)})
            c.getresponse().readline()
            return c
        numbers = lambda name: sum(float(l.rsplit(" ", 1)[1]) for l in
                                   s.ask("GET", "/metrics", None, bearer("four"))[1].decode().splitlines() if l.startswith(name))
        leaving = start("five").sock
        got = b""
        while got.count(b"data: ") < 40:
            got += leaving.recv(4096)
        leaving.close()
        s.wait_for("who leaves before the end pays for what has come", lambda: s.ask("POST", CHAT, hi, bearer("five"))[0] == 429)
        got = [s.ask("POST", CHAT, {**hi, "stream": i % 2 == 0}, bearer("three"))[0] for i in range(10)]
        check("one after the other is never two at once", got == [200] * 10, got)
        running = start("three")
        status, body, _ = s.ask("POST", CHAT, hi, bearer("three"))
        check("requests at once", status == 429 and "at once" in body["error"]["message"], body)
        waiting = s.connect()
        waiting.request("POST", TEXT, endless, {"Content-Type": "application/json", **bearer("secret")})
        s.wait_for("one of ann's waits", lambda: numbers("vllm:num_requests_waiting{") == 1)
        status, body, h = s.ask("POST", CHAT, hi, bearer("secret"))
        check("it is counted", numbers("sumi_refused_total{") == 1)
        check("a key's queue is full", status == 429 and body["error"]["code"] == "queue_full" and int(h["Retry-After"]) > 0, body)
        running.close()
        waiting.close()
        open(path, "a").write("this is no key\n")
        s.process.send_signal(signal.SIGHUP)
        said = lambda: [l for l in open(log) if "the old content stays in use" in l]
        s.wait_for("a broken file is told in one line", lambda: len(said()) == 1 and "line 7" in said()[0])
        check("and the old keys stay", s.ask("GET", "/v1/models", None, bearer("secret"))[0] == 200)
        text = open(log).read()
        check("keys are never logged", not any(k in text for k in ("secret", key, "three", "four")), text)
        check("their names are", "key=ann" in text and "key=bob" in text)
        s.end()


def large_bodies():
    """Limits of keys come before bodies are read; large bodies hold up nobody; text of many ids is made while it is read."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")
        open(path, "w").write("".join(f"{k} {sha(k)} rpm={n}\n" for k, n in (("one", 1), ("two", 2), ("many", 1000))))
        s = Server("--api-key-file", path)
        bearer = lambda k: {"Authorization": "Bearer " + k, "Content-Type": "application/json"}
        status = lambda *a: s.ask("POST", *a)[0]
        got = [status(TEXT, b"{", bearer("one")) for _ in range(2)]
        check("what is refused counts, and what is too much is not parsed", got == [400, 429], got)
        got = [status("/tokenize", {"prompt": "a"}, bearer("two")), status("/detokenize", {"tokens": [1]}, bearer("two")),
               status("/tokenize", {"prompt": "a"}, bearer("two")), status("/v1/messages/count_tokens", chat("a"), bearer("two"))]
        got.append(status(TEXT, {"prompt": "a", "max_tokens": 1}, bearer("two")))
        check("counting tokens has a limit of its own", got == [200, 200, 429, 429, 200], got)
        got = s.ask("POST", TEXT, {"prompt": "word " * 1000000}, bearer("many"))
        check("a prompt is too long at a glance", got[0] == 400 and
              2048 < got[1]["error"].get("n_prompt_tokens", 0) < 1000000, got)
        long = json.dumps({"prompt": "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=800000))})
        attackers = [s.connect() for _ in range(4)]
        for c in attackers:
            c.request("POST", "/tokenize", long, bearer("many"))
        check("while large bodies are at work", s.ask("GET", "/health")[0] == 200)
        check("small requests are answered", status(TEXT, {"prompt": "a", "max_tokens": 1}, bearer("many")) == 200)
        ready = select.select([c.sock for c in attackers], [], [], 0)[0]
        check("before the last of them", len(ready) < 4, ready)
        leaver = s.connect()
        leaver.request("POST", "/tokenize", long, bearer("many"))
        leaver.close()
        got = [json.loads(c.getresponse().read())["count"] for c in attackers]
        check("which are answered too", len(set(got)) == 1 and got[0] > 200000, got)
        ids = ",".join(["9", "28120", "504"] * 10000)  # the first one stands for 16 bytes or more
        _, whole, h = s.ask("POST", "/detokenize", '{"tokens":[%s]}' % ids, bearer("many"))
        _, part, one = s.ask("POST", "/detokenize", '{"tokens":[9,28120,504]}', bearer("many"))
        check("much text comes as a stream", h["Transfer-Encoding"] == "chunked" and not one["Transfer-Encoding"], h)
        check("and is the same", whole["prompt"] == whole["content"] == part["prompt"] * 10000, part)
        ask = lambda n: s.ask("POST", "/tokenize", {"prompt": "1 é🎉" * n, "with_pieces": True, "return_token_strs": True,
                                                    "add_special_tokens": False}, bearer("many"))
        _, whole, h = ask(5000)
        _, part, one = ask(1)
        n = len(part["tokens"])
        check("so does a list of many tokens", h["Transfer-Encoding"] == "chunked" and not one["Transfer-Encoding"], h)
        check("which is the same, too", whole == {**part, "tokens": part["tokens"] * 5000, "count": n * 5000,
                                                  "token_strs": part["token_strs"] * 5000} and part["count"] == n, part)
        got = s.ask("POST", "/detokenize", '{"tokens":[%s,49152]}' % ids, bearer("many"))
        check("all ids are looked at first", got[0] == 400 and "49152" in got[1]["error"]["message"], got[1])
        s.end()


def large_names():
    """A body of which only the model's name counts holds up nobody either."""
    s = Server("--http-threads", "1")
    for path in "/api/show", "/api/pull":
        c = s.connect()
        c.request("POST", path, b'{"stream":false,"x":[' + b"0," * 1000000 + b"0]}", {"Content-Type": "application/json"})
        check(f"while a large {path} is at work", s.ask("GET", "/health")[0] == 200 and
              not select.select([c.sock], [], [], 0)[0])
        answer = json.loads(c.getresponse().read())
        check("which is answered", "capabilities" in answer or answer == {"status": "success"}, answer)
    s.end()


def tls():
    with tempfile.TemporaryDirectory() as folder:
        cert, key, other = (os.path.join(folder, n) for n in ("cert.pem", "key.pem", "other.pem"))
        for k, c in ((key, cert), (other, os.path.join(folder, "other-cert.pem"))):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                            "-keyout", k, "-out", c, "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        os.chmod(key, 0o644)
        s = Server("--tls-cert", cert, "--tls-key", key, "--header-timeout", "0.5")
        trust = ssl.create_default_context(cafile=cert)
        c = lambda: http.client.HTTPSConnection("127.0.0.1", s.port, timeout=600, context=trust)
        status, body, _ = s.ask("POST", CHAT, chat("Hi", max_tokens=2), connection=c())
        check("a chat over TLS", status == 200 and body["choices"], body)
        status, raw_, _ = s.ask("POST", CHAT, chat("Hi", max_tokens=4, stream=True), connection=c())
        check("a stream over TLS", status == 200 and raw_.rstrip().endswith(b"data: [DONE]"), raw_)
        check("a readable private key is warned of", "every user of this machine can read the private key" in s.said(), s.said())
        with socket.create_connection(("127.0.0.1", s.port), timeout=600) as plain:
            check("a handshake that never ends is cut", plain.recv(100) == b"")
        try:
            s.ask("GET", "/health")
            check("plain HTTP is not answered", False)
        except (http.client.HTTPException, OSError):
            pass
        def shown():
            with socket.create_connection(("127.0.0.1", s.port), timeout=600) as c, ssl._create_unverified_context().wrap_socket(c) as t:
                return t.getpeercert(True), t.version()

        def old(version):
            warnings.simplefilter("ignore", DeprecationWarning)  # of the versions that are tried
            context = ssl._create_unverified_context()
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.maximum_version = version
            try:
                with socket.create_connection(("127.0.0.1", s.port), timeout=600) as c, context.wrap_socket(c) as t:
                    return t.cipher()[0]
            except (ssl.SSLError, OSError):
                return None

        check("old protocols are refused", old(ssl.TLSVersion.TLSv1) is None and old(ssl.TLSVersion.TLSv1_1) is None)
        check("TLS 1.2 has forward secrecy", (old(ssl.TLSVersion.TLSv1_2) or "").startswith("ECDHE-"), old(ssl.TLSVersion.TLSv1_2))
        kept = c()
        kept.request("GET", "/health")
        kept.getresponse().read()
        first = shown()[0]
        os.chmod(other, 0o600)
        shutil.copy(other, key)
        s.process.send_signal(signal.SIGHUP)
        s.wait_for("a key without its certificate is told", lambda: "it is not the key of the certificate" in s.said())
        check("and the old ones stay", shown()[0] == first)
        shutil.copy(os.path.join(folder, "other-cert.pem"), cert)
        s.process.send_signal(signal.SIGHUP)
        s.wait_for("a renewed certificate is shown to new connections", lambda: shown()[0] != first)
        kept.request("GET", "/health")
        check("open connections go on", kept.getresponse().status == 200)
        s.end(silent=False)
        os.chmod(other, 0o666)
        r = subprocess.run([SUMI, "serve", MODEL, "--port", "0", "--tls-cert", cert, "--tls-key", other], capture_output=True, text=True)
        check("a key that everybody may write to is refused", r.returncode == 1 and "every user of this machine may write" in r.stderr, r)
        os.chmod(other, 0o600)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                        key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        r = subprocess.run([SUMI, "serve", MODEL, "--port", "0", "--tls-cert", cert, "--tls-key", other], capture_output=True,
                           text=True)
        check("a key of another certificate is one line", r.returncode == 1 and len(r.stderr.splitlines()) == 1 and
              "certificate" in r.stderr, r)


def numbers():
    s = Server("--spec", "off")  # so that steps can be counted
    s.ask("POST", TEXT, {"prompt": "1, 2, 3,", "max_tokens": 8, "ignore_eos": True, "n": 2, "temperature": 1})
    s.ask("POST", TEXT, {"prompt": "1, 2, 3,", "temperature": "hot"})
    s.wait_for("the last step and both answers are counted", lambda: s.metric("vllm:num_requests_running{") == 0 and
               s.metric('http_requests_total{path="/v1/completions"') == 2)
    status = s.ask("POST", CHAT, chat("Hi", logit_bias={"99999999": 1}))[0]
    check("a bad request is no full queue", status == 400 and s.metric("sumi_refused_total{") == 0)
    status, page, h = s.ask("GET", "/metrics")
    page = page.decode()
    check("the page has its type", h["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", h)
    for line in ('http_requests_total{path="/v1/completions",status="200"} 1', 'http_requests_total{path="/v1/completions",status="400"} 1',
                 'vllm:generation_tokens_total{model_name="smollm2"} 16', 'vllm:prompt_tokens_total{model_name="smollm2"} 8',
                 'vllm:request_success_total{finished_reason="length",model_name="smollm2"} 1',
                 'vllm:request_generation_tokens_bucket{model_name="smollm2",le="20"} 1', "sumi_ready 1"):
        check("on the page: " + line, line in page.splitlines(), page)
    value = lambda name: s.metric(name)
    check("steps and their sizes agree", value("sumi_steps_total{") == value("sumi_step_sequences_count{") ==
          value("vllm:iteration_tokens_total_count{") >= 8)
    check("two answers make batches of two", value("sumi_step_sequences_sum{") >= 15 > 1.5 * value("sumi_steps_total{"))
    check("the process is seen", value("process_resident_memory_bytes") > 5e7 and value("process_open_fds") > 5)
    if not shutil.which("promtool"):
        print("skipped: promtool (of Debian's package prometheus) is not installed, so the page's format is not linted")
    else:
        r = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
        strange = [l for l in r.stderr.splitlines() if not l.startswith("vllm:")]  # vLLM's names, colons and all
        check("promtool finds nothing in our names", r.returncode in (0, 3) and not strange, r.stderr)
    s.end()


def standstill():
    """Stops the engine's thread, as a hang would, with the tracing interface of Linux."""
    s = Server("--stall-timeout", "1", "--log-level", "error")
    threads = {open(f"/proc/{s.process.pid}/task/{t}/comm").read().strip(): int(t) for t in os.listdir(f"/proc/{s.process.pid}/task")}
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach = 0x4206, 0x4207, 17
    engine = threads["sumi engine"]
    if libc.ptrace(seize, engine, None, None) != 0:
        print("skipped: this system lets no process trace its child, so an engine that stands still is not tried:",
              os.strerror(ctypes.get_errno()))
        s.end()
        return
    c = s.connect()
    c.request("POST", TEXT, json.dumps({"prompt": "1,", "ignore_eos": True, "max_tokens": 1900, "stream": True}),
              {"Content-Type": "application/json"})
    s.wait_for("it runs", lambda: s.metric("vllm:num_requests_running{") == 1)
    libc.ptrace(interrupt, engine, None, None)
    os.waitpid(engine, 0x40000000)  # __WALL
    s.wait_for("an engine that stands still is not ready", lambda: s.ask("GET", "/ready")[1].get("error", {}).get("code") == "stalled")
    check("the numbers say so", s.metric("sumi_ready") == 0)
    check("the process is alive", s.ask("GET", "/health")[0] == 200)
    check("the log says so, once", s.said().count("the engine has made no progress for 1 s") == 1, s.said())
    libc.ptrace(detach, engine, None, None)
    s.wait_for("it goes on, and is ready again", lambda: s.ask("GET", "/ready")[0] == 200)
    c.close()
    s.end(silent=False)


def manual():
    shown = subprocess.run([SUMI, "serve", "--help"], capture_output=True, text=True).stdout
    options = [o for o in re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", shown, re.M) if o != "--help"]
    text = open("docs/server.md").read()
    check("docs/server.md has every option", len(options) > 40 and not [o for o in options if f"`{o}`" not in text],
          [o for o in options if f"`{o}`" not in text])


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
        fails(1, "no model of this name", model="no-such-model")
        fails(1, "line 1: .*64 hex digits", "--api-key-file", path)
        fails(1, "No such file", "--api-key-file", path + "2")
        fails(1, "No such file", "--log-file", os.path.join(folder, "no", "log"))
        fails(1, "certificate", "--tls-cert", path, "--tls-key", path)
        fails(2, "go together", "--tls-cert", path)
        fails(1, "--allow-anonymous", "--host", "0.0.0.0")
        fails(1, "not an address", "--host", "example.com")
        fails(2, "neither 'text' nor 'json'", "--log-format", "xml")
        fails(2, "is not an origin", "--cors-origin", "a.b")
        fails(2, "is not an address", "--trusted-proxy", "proxy.example")
        fails(2, "GnuTLS does not know 'RUBBISH'", "--tls-priorities", "RUBBISH")
        fails(2, "is not a name", "--allowed-host", "http://a.example")
        fails(2, "not between", "--header-timeout", "-1")


for part in (slow_clients, sizes, connections, headers, names, proxies, budgets, log, signals, time_limits, limits, defaults, capped_budget, draining, impatience, keys,
             large_bodies, large_names, tls, numbers, standstill, manual, bad_use):
    part()
finish()
