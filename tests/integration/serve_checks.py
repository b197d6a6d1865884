"""serve_checks.py - what test_serve.sh asks of a running `sumi serve`. Only the standard library.

usage: serve_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import hashlib, json, os, signal, subprocess, tempfile, threading

from served import CHAT, MODEL, SUMI, TEXT, Server, chat, check, events, finish, is_openai_error, stream


def answers(s):
    status, models, _ = s.ask("GET", "/v1/models")
    name = models["data"][0]["id"]
    check("the model has its file's name", name == "smollm2", models)
    check("a model by name", s.ask("GET", "/v1/models/" + name)[1]["id"] == name)
    check("another one is 404", s.ask("GET", "/v1/models/other")[0] == 404)

    question = chat("What is the capital of France?", model=name, max_tokens=24)
    status, whole, _ = s.ask("POST", CHAT, question)
    text = whole["choices"][0]["message"]["content"]
    check("a chat is answered", status == 200 and "Paris" in text, whole)
    check("it ends by itself", whole["choices"][0]["finish_reason"] == "stop", whole)
    usage = whole["usage"]
    check("usage adds up", usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0, usage)

    chunks = stream(s, CHAT, {**question, "stream_options": {"include_usage": True}})
    deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    check("the first chunk says who", deltas[0].get("role") == "assistant", deltas[0])
    check("a stream is the same answer", "".join(d.get("content", "") for d in deltas) == text, deltas)
    check("the last chunk has the usage", chunks[-1]["choices"] == [] and
          chunks[-1]["usage"]["completion_tokens"] == usage["completion_tokens"], chunks[-1])

    count = {"prompt": "1, 2, 3, 4,", "temperature": 0, "max_tokens": 12}
    full = s.ask("POST", TEXT, count)[1]["choices"][0]
    check("a completion goes on", full["text"].startswith(" 5, 6") and full["finish_reason"] == "length", full)
    cut = s.ask("POST", TEXT, {**count, "stop": ["7,", "never"]})[1]["choices"][0]
    check("a stop string ends it", cut["text"] == full["text"].split("7,")[0] and cut["finish_reason"] == "stop", cut)
    text = "".join(c["choices"][0]["text"] for c in stream(s, TEXT, {**count, "echo": True}))
    check("echo repeats the prompt", text == count["prompt"] + full["text"], text)

    ids = s.ask("POST", "/tokenize", {"prompt": count["prompt"]})[1]["tokens"]
    check("ids become the text again", s.ask("POST", "/detokenize", {"tokens": ids})[1]["prompt"] == count["prompt"], ids)
    two = s.ask("POST", TEXT, {**count, "prompt": [ids, ids], "n": 2})[1]["choices"]
    check("lists of ids, n answers each", [c["index"] for c in two] == [0, 1, 2, 3] and
          all(c["text"] == full["text"] for c in two), two)

    warm = {"prompt": "Once", "temperature": 1.2, "max_tokens": 12, "n": 3}
    a, b, c = (s.ask("POST", TEXT, {**warm, "seed": seed})[1]["choices"] for seed in (5, 5, 6))
    check("the same seed, the same answers", a == b and a != c, (a, b, c))
    check("n answers differ", len({x["text"] for x in a}) > 1, a)

    probs = s.ask("POST", CHAT, {**question, "logprobs": True, "top_logprobs": 3})[1]["choices"][0]
    tokens = probs["logprobs"]["content"]
    check("tokens make up the text", "".join(t["token"] for t in tokens) == probs["message"]["content"], tokens)
    check("greedy takes the first of the best", all(t["top_logprobs"][0]["token"] == t["token"] and
          len(t["top_logprobs"]) == 3 and t["logprob"] <= 0 for t in tokens), tokens)
    prompt = s.ask("POST", TEXT, {**count, "max_tokens": 0, "echo": True, "logprobs": 1})[1]["choices"][0]
    check("only the prompt's probabilities", prompt["text"] == count["prompt"] and
          prompt["logprobs"]["token_logprobs"][0] is None and len(prompt["logprobs"]["tokens"]) == len(ids), prompt)
    one = s.ask("POST", TEXT, {"prompt": ids[:1], "max_tokens": 1, "echo": True, "logprobs": 0})[1]["choices"][0]
    check("a prompt of one token is told", one["logprobs"]["token_logprobs"][0] is None and
          "".join(one["logprobs"]["tokens"]) == one["text"], one)
    vllm = s.ask("POST", TEXT, {**count, "max_tokens": 1, "n": 2, "prompt_logprobs": 2})[1]["choices"]
    listed = vllm[0]["prompt_logprobs"]
    own = [listed[i][str(ids[i])] for i in range(1, len(ids))]
    check("prompt_logprobs are those of echo", vllm[1]["prompt_logprobs"] == listed and listed[0] is None and
          len(listed) == len(ids) and "".join(t["decoded_token"] for t in own) == "".join(prompt["logprobs"]["tokens"][1:]) and
          [t["logprob"] for t in own] == prompt["logprobs"]["token_logprobs"][1:], listed)
    check("ranks count from the likeliest", all(sorted(t["rank"] for t in o.values())[:2] == [1, 2] and
          len(o) == (2 if o[str(i)]["rank"] <= 2 else 3) for i, o in zip(ids[1:], listed[1:])), listed)
    told = s.ask("POST", CHAT, {**question, "max_tokens": 1, "prompt_logprobs": 0})[1]
    check("a chat tells them beside its choices", all(len(o) == 1 for o in told["prompt_logprobs"][1:]) and
          len(told["prompt_logprobs"]) == told["usage"]["prompt_tokens"], told)
    first = s.ask("POST", "/tokenize", {"prompt": " "})[1]["tokens"][0]
    other = s.ask("POST", TEXT, {**count, "logit_bias": {str(first): -100}})[1]["choices"][0]["text"]
    check("a bias changes the answer", other != full["text"] and not other.startswith(" 5"), other)


def refusals(s):
    hi = chat("Hi", max_tokens=1)
    json_type = {"Content-Type": "application/json"}
    for what, want, request in [
        ("no such path", 404, ("GET", "/nowhere")),
        ("a wrong method", 405, ("GET", CHAT)),
        ("a wrong method", 405, ("DELETE", "/v1/models")),
        ("no JSON type", 415, ("POST", CHAT, json.dumps(hi), {"Content-Type": "text/plain"})),
        ("no JSON", 400, ("POST", CHAT, "{", json_type)),
        ("an empty body", 400, ("POST", CHAT, "", json_type)),
        ("a large body", 413, ("POST", CHAT, chat("x" * 200000))),
        ("an unknown model", 404, ("POST", CHAT, {**hi, "model": "gpt-9"})),
        ("a wrong type", 400, ("POST", CHAT, {**hi, "temperature": "hot"})),
        ("a value out of range", 400, ("POST", CHAT, {**hi, "top_p": 2})),
        ("an unknown token", 400, ("POST", TEXT, {"prompt": [999999]})),
        ("a suffix", 400, ("POST", TEXT, {"prompt": "a", "suffix": "b"})),
        ("a prompt beyond the context", 400, ("POST", TEXT, {"prompt": [1] * 3000})),
        ("an unknown token", 400, ("POST", "/detokenize", {"tokens": [999999]})),
    ]:
        status, body, headers = s.ask(*request)
        ok = status == want and isinstance(body, dict) and is_openai_error(body["error"])
        check(f"{what} is {want}", ok, (status, body))
        check("405 says what is allowed", status != 405 or headers["Allow"], headers)
    for param, path, more in [
        ("prompt", TEXT, {"prompt": [999999]}),
        ("stop_token_ids", CHAT, {"stop_token_ids": [999999]}),
        ("logit_bias", CHAT, {"logit_bias": {"999999": 1}}),
        ("cache_salt", CHAT, {"cache_salt": "s" * 300}),
        ("stop", CHAT, {"stop": "s" * 5000}),
        ("prompt", TEXT, {"prompt": [1] * 3000}),
        ("messages", CHAT, {"messages": [{"role": "user", "content": "word " * 3000}]}),
        ("input", "/v1/responses", {"input": "word " * 3000}),
        ("tokens", "/detokenize", {"tokens": [999999]}),
        ("truncate_prompt_tokens", "/tokenize", {"prompt": "a", "truncate_prompt_tokens": 1}),
        ("chat_template", "/tokenize", {"messages": hi["messages"], "chat_template": "{{ 1 }}"}),
        ("chat_template", "/apply-template", {"messages": hi["messages"], "chat_template": "{{ 1 }}"}),
        ("model", "/tokenize", {"prompt": "a", "model": "gpt-9"}),
        ("model", "/detokenize", {"tokens": [1], "model": "gpt-9"}),
    ]:
        status, body, _ = s.ask("POST", path, {**(hi if path == CHAT else {}), **more})
        check(f"{path} names {param}", status in (400, 404) and body["error"]["param"] == param, (status, body))
    status, body, headers = s.ask("HEAD", "/v1/models")
    check("HEAD has no body", status == 200 and body == b"" and int(headers["Content-Length"]) > 0, body)
    status, body, headers = s.ask("OPTIONS", CHAT, None, {"Origin": "https://a.example"})
    check("a preflight is answered", status == 204 and headers["Access-Control-Allow-Origin"] == "https://a.example", headers)
    check("a plain id comes back", s.ask("GET", "/health", None, {"X-Request-Id": "abc-1"})[2]["X-Request-Id"] == "abc-1")
    check("another one does not", s.ask("GET", "/health", None, {"X-Request-Id": "a b<"})[2]["X-Request-Id"][:4] == "req-")
    c = s.connect()
    kept = [s.ask("GET", "/health", connection=c)[0] for _ in range(3)] + [s.ask("POST", CHAT, hi, connection=c)[0]]
    check("a connection serves many requests", kept == [200] * 4, kept)
    check("ready", s.ask("GET", "/ready")[0] == 200)
    check("no page of another origin", s.ask("GET", "/health")[2]["Access-Control-Allow-Origin"] == "https://a.example")


def endless(s, streamed):
    c = s.connect()
    body = json.dumps({"prompt": "1, 2, 3,", "ignore_eos": True, "max_tokens": 1900, "stream": streamed})
    c.request("POST", TEXT, body, {"Content-Type": "application/json"})
    return c


def departures(s):
    before = s.metric('vllm:request_success_total{finished_reason="abort"')
    connections = [endless(s, i % 2 == 0) for i in range(4)]
    s.wait_for("four requests run", lambda: s.metric("vllm:num_requests_running{") == 4)
    for c in connections:
        c.close()
    s.wait_for("clients that leave end their requests",
               lambda: s.metric('vllm:request_success_total{finished_reason="abort"') == before + 4)
    s.wait_for("nothing runs on", lambda: s.metric("vllm:num_requests_running{") == 0)
    check("others are answered", s.ask("POST", CHAT, chat("Hi", max_tokens=2))[0] == 200)


def full_queue():
    s = Server("--max-seqs", "1", "--max-queue", "1", "--heartbeat", "1", "--model-alias", "gpt-9,default")
    status, other, _ = s.ask("POST", CHAT, chat("Hi", max_tokens=1, model="gpt-9"))
    check("an alias is the model, and the answer says which", status == 200 and other["model"] == "smollm2", other)
    connections = [endless(s, True)]
    s.wait_for("one runs", lambda: s.metric("vllm:num_requests_running{") == 1)
    connections.append(endless(s, True))
    s.wait_for("one waits", lambda: s.metric("vllm:num_requests_waiting{") == 1)
    status, body, headers = s.ask("POST", CHAT, chat("Hi"))
    check("a full queue is 429", status == 429 and int(headers["Retry-After"]) > 0, (status, body))
    check("and not ready", s.ask("GET", "/ready")[0] == 503)
    line = connections[1].getresponse().readline()
    check("a stream that waits gets heartbeats", line == b": keep-alive\n", line)
    for c in connections:
        c.close()
    s.end()


def keys():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")
        sha = lambda key: hashlib.sha256(key.encode()).hexdigest()
        with open(path, "w") as f:
            f.write(f"ann {sha('secret')}\nbob {sha('other')} rpm=1\n")
        s = Server("--api-key-file", path, "--log-level", "warn")
        ann, bob = {"Authorization": "Bearer secret"}, {"X-Api-Key": "other"}
        check("without a key 401", s.ask("GET", "/v1/models")[0] == 401)
        check("metrics are guarded", s.ask("GET", "/metrics")[0] == 401)
        check("health is not", s.ask("GET", "/health")[0] == 200)
        check("a wrong key 401", s.ask("GET", "/v1/models", None, {"Authorization": "Bearer secres"})[0] == 401)
        check("a key opens", s.ask("GET", "/v1/models", None, ann)[0] == 200)
        hi = chat("Hi", max_tokens=1)
        got = [s.ask("POST", CHAT, hi, bob)[0] for _ in range(2)] + [s.ask("POST", CHAT, hi, ann)[0]]
        check("one key's limit is its own", got == [200, 429, 200], got)
        with open(path, "w") as f:
            f.write(f"ann {sha('fresh')}\n")
        s.process.send_signal(signal.SIGHUP)
        s.wait_for("SIGHUP reads the keys again",
                   lambda: s.ask("GET", "/v1/models", None, {"Authorization": "Bearer fresh"})[0] == 200)
        check("the old key is gone", s.ask("GET", "/v1/models", None, ann)[0] == 401)
        s.end()


def end_under_load(s):
    results = []

    def one(i):
        body = chat("Count.", ignore_eos=True, max_tokens=40, stream=i % 2 == 0)
        status, data, _ = s.ask("POST", CHAT, body)
        last = json.loads(events(data)[-2]) if i % 2 == 0 else data
        results.append(status == 200 and last["choices"][0]["finish_reason"] == "length")

    before = s.metric("vllm:e2e_request_latency_seconds_count")
    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    s.wait_for("all have come", lambda: s.metric("vllm:num_requests_running{") + s.metric("vllm:num_requests_waiting{") +
               s.metric("vllm:e2e_request_latency_seconds_count") - before == 8)
    s.end()
    for t in threads:
        t.join()
    check("answers that run end properly", results == [True] * 8, results)


def cut_off():
    s = Server("--drain-timeout", "0")
    connections = [endless(s, True), endless(s, False)]
    s.wait_for("both run", lambda: s.metric("vllm:num_requests_running{") == 2)
    replies = [threading.Thread(target=lambda c=c: got.append(c.getresponse())) for c in connections]
    got = []
    for t in replies:
        t.start()
    s.process.send_signal(signal.SIGTERM)
    for t in replies:
        t.join()
    codes = {r.status: r.read() for r in got}
    check("what the drain timeout cuts off is told so", set(codes) == {200, 503} and
          json.loads(events(codes[200])[-2])["error"]["code"] == json.loads(codes[503])["error"]["code"] == "shutting_down",
          codes)
    s.end()


server = Server("--drain-timeout", "3000", "--max-body", "100K", "--cors-origin", "https://a.example")
answers(server)
refusals(server)
departures(server)
end_under_load(server)
cut_off()
full_queue()
keys()
refused = subprocess.run([SUMI, "serve", MODEL, "--port", "0", "--host", "0.0.0.0"], capture_output=True, text=True)
check("everybody is served only if that is said", refused.returncode == 1 and "--allow-anonymous" in refused.stderr, refused)
finish()
