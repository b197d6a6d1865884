"""openai_checks.py - the official `openai` package against `sumi serve`: it works by changing its base URL only.

usage: openai_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import asyncio, hashlib, json, math, os, signal, tempfile

import openai

from served import Server, check, finish, is_openai_error

ASK = [{"role": "user", "content": "What is the capital of France?"}]
COUNT = {"prompt": "1, 2, 3, 4,", "temperature": 0, "max_tokens": 12}


def client_of(s, key="none", **more):
    return openai.OpenAI(base_url=s.url + "/v1", api_key=key, max_retries=0, timeout=600, **more)


def raises(what, kind, status, call, code=None):
    """The package's own exception, with the status and the fields of an error object."""
    try:
        got = call()
    except kind as e:
        check(f"{what}: {kind.__name__} {status}", e.status_code == status and is_openai_error(e.body) and e.body["message"] and
              code in (None, e.code), (e.status_code, e.body))
        check(f"{what}: it has a request id", e.request_id, e.response.headers)
    except Exception as e:
        check(f"{what}: {kind.__name__}", False, repr(e))
    else:
        check(f"{what}: {kind.__name__}", False, got)


# ---- Models ----

def models(c):
    listed = list(c.models.list())
    check("one model", [m.id for m in listed] == ["smollm2"] and listed[0].object == "model", listed)
    check("the model by name", c.models.retrieve("smollm2") == listed[0])
    raises("another model", openai.NotFoundError, 404, lambda: c.models.retrieve("gpt-9"), "model_not_found")
    raises("a chat with another model", openai.NotFoundError, 404,
           lambda: c.chat.completions.create(model="gpt-9", messages=ASK), "model_not_found")


# ---- Chats ----

def chats(c):
    create = c.chat.completions.create
    whole = create(model="smollm2", messages=ASK, temperature=0, max_tokens=24)
    text = whole.choices[0].message.content
    check("a chat", "Paris" in text and whole.object == "chat.completion" and whole.model == "smollm2" and
          whole.choices[0].finish_reason == "stop" and whole.choices[0].message.role == "assistant", whole)
    u = whole.usage
    check("usage", u.total_tokens == u.prompt_tokens + u.completion_tokens and u.completion_tokens > 0, u)
    raw = c.chat.completions.with_raw_response.create(model="smollm2", messages=ASK, temperature=0, max_tokens=1,
                                                      extra_headers={"X-Request-Id": "from-the-client"})
    check("the request's id comes back", raw.headers["x-request-id"] == "from-the-client" and
          raw.parse().choices[0].finish_reason == "length", raw.headers)

    chunks = list(create(model="smollm2", messages=ASK, temperature=0, max_tokens=24, stream=True,
                         stream_options={"include_usage": True}))
    check("a stream is the same answer",
          "".join(k.choices[0].delta.content or "" for k in chunks if k.choices) == text, chunks)
    check("one id for all chunks", len({k.id for k in chunks}) == 1, chunks)
    check("it ends with a reason, and then the usage", chunks[-2].choices[0].finish_reason == "stop" and
          not chunks[-1].choices and chunks[-1].usage.total_tokens == u.total_tokens and
          all(k.usage is None for k in chunks[:-1]), chunks[-2:])
    check("no usage without asking", all(k.usage is None for k in
          create(model="smollm2", messages=ASK, max_tokens=2, stream=True)))
    with c.chat.completions.stream(model="smollm2", messages=ASK, temperature=0, max_tokens=24) as stream:
        kinds = {e.type for e in stream}
        check("the package's stream helper", stream.get_final_completion().choices[0].message.content == text and
              {"chunk", "content.delta", "content.done"} <= kinds, kinds)

    parts = [{"role": "developer", "content": "Be brief."},
             {"role": "user", "content": [{"type": "text", "text": "Say"}, {"type": "text", "text": " hello."}]}]
    check("a list of parts, and a developer", create(model="smollm2", messages=parts, max_tokens=4).choices)
    many = create(model="smollm2", messages=ASK, n=3, seed=7, temperature=1.5, max_completion_tokens=8)
    check("n answers", [x.index for x in many.choices] == [0, 1, 2] and
          len({x.message.content for x in many.choices}) > 1, many)
    again = create(model="smollm2", messages=ASK, n=3, seed=7, temperature=1.5, max_completion_tokens=8)
    check("a seed repeats them", again.choices == many.choices, again)
    streamed = ["", "", ""]
    for k in create(model="smollm2", messages=ASK, n=3, seed=7, temperature=1.5, max_tokens=8, stream=True):
        for x in k.choices:
            streamed[x.index] += x.delta.content or ""
    check("n answers in one stream", streamed == [x.message.content for x in many.choices], streamed)

    cut = create(model="smollm2", messages=ASK, temperature=0, max_tokens=24, stop=["Paris"])
    check("stop", cut.choices[0].message.content == text.split("Paris")[0] and
          cut.choices[0].finish_reason == "stop", cut)
    tokens = create(model="smollm2", messages=ASK, temperature=0, max_tokens=24, logprobs=True,
                    top_logprobs=4).choices[0].logprobs.content
    check("logprobs", "".join(t.token for t in tokens).startswith(text) and
          all(len(t.top_logprobs) == 4 and t.top_logprobs[0].logprob == t.logprob <= 0 and
              math.fsum(math.exp(x.logprob) for x in t.top_logprobs) <= 1 + 1e-4 for t in tokens), tokens)
    check("bytes of tokens", b"".join(bytes(t.bytes) for t in tokens).decode().startswith(text), tokens)


# ---- Completions ----

def completions(c):
    create = c.completions.create
    full = create(model="smollm2", **COUNT).choices[0]
    check("a completion", full.text.startswith(" 5, 6") and full.finish_reason == "length", full)
    check("it streams", "".join(k.choices[0].text for k in create(model="smollm2", **COUNT, stream=True)) == full.text)
    both = create(model="smollm2", **COUNT, echo=True, logprobs=2).choices[0]
    p = both.logprobs
    check("echo", both.text == COUNT["prompt"] + full.text, both)
    check("echo with logprobs", "".join(p.tokens) == both.text and p.token_logprobs[0] is None and
          len(p.tokens) == len(p.token_logprobs) == len(p.top_logprobs) == len(p.text_offset) and
          all(x <= 0 for x in p.token_logprobs[1:]) and all(len(x) >= 2 for x in p.top_logprobs[1:]), p)
    check("offsets are those of the text", all(both.text[o:o + len(t)] == t for o, t in zip(p.text_offset, p.tokens)), p)
    prompts = ["1, 2, 3, 4,", "a, b, c,"]
    four = create(model="smollm2", prompt=prompts, n=2, temperature=0, max_tokens=4).choices
    check("prompts by choices", [x.index for x in four] == [0, 1, 2, 3] and four[0].text == four[1].text and
          four[2].text == four[3].text and full.text.startswith(four[0].text), four)
    best = create(model="smollm2", prompt=prompts[0], best_of=4, n=2, max_tokens=6, logprobs=0, seed=1).choices
    means = [math.fsum(x.logprobs.token_logprobs) / len(x.logprobs.tokens) for x in best]
    check("the best of four", len(best) == 2 and means[0] >= means[1], means)
    stopped = create(model="smollm2", **COUNT, stop="7").choices[0]
    check("stop", stopped.text == full.text.split("7")[0] and stopped.finish_reason == "stop", stopped)
    check("more than the API has", create(model="smollm2", **COUNT, extra_body={"top_k": 1, "of_tomorrow": 1}
                                          ).choices[0].text == full.text)


# ---- Errors ----

def errors(c, s):
    chat, text = c.chat.completions.create, c.completions.create
    for what, wrong in [("a temperature that is text", {"temperature": "hot"}), ("top_p above 1", {"top_p": 2}),
                        ("n of 0", {"n": 0}), ("an empty stop", {"stop": [""]}), ("messages of nothing", {"messages": []}),
                        ("an unknown role", {"messages": [{"role": "king", "content": "Hi"}]}),
                        ("an image", {"messages": [{"role": "user", "content": [
                            {"type": "image_url", "image_url": {"url": "data:,"}}]}]}),
                        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
                        ("a JSON schema", {"response_format": {"type": "json_object"}}),
                        ("top_logprobs alone", {"top_logprobs": 2}), ("bias without id", {"logit_bias": {"x": 1}})]:
        raises(what, openai.BadRequestError, 400, lambda: chat(**{"model": "smollm2", "messages": ASK, **wrong}))
    raises("a suffix", openai.BadRequestError, 400, lambda: text(model="smollm2", prompt="a", suffix="b"))
    raises("a long prompt", openai.BadRequestError, 400, lambda: text(model="smollm2", prompt=[5] * 3000),
           "context_length_exceeded")
    raises("a large body", openai.APIStatusError, 413, lambda: text(model="smollm2", prompt="x" * 200000))
    raises("no JSON type", openai.APIStatusError, 415, lambda: text(model="smollm2", prompt="x",
                                                                    extra_headers={"Content-Type": "text/plain"}))
    raises("no such path", openai.NotFoundError, 404, lambda: c.images.generate(prompt="a cat"))
    raises("a wrong method", openai.APIStatusError, 405, lambda: c.delete("/models", cast_to=object))
    try:  # refused before there is a request: a page of libmicrohttpd, not an error object
        c.models.list(extra_headers={"X-Long": "x" * 40000})
        check("many headers are refused", False)
    except openai.APIStatusError as e:
        check("many headers are 431", e.status_code == 431, e)


def keys():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "keys")
        with open(path, "w") as f:
            for name, limits in ("ann", ""), ("bob", "rpm=1"), ("cat", "concurrent=1"):
                f.write(f"{name} {hashlib.sha256(name.encode()).hexdigest()} {limits}\n")
        s = Server("--api-key-file", path)
        hi = dict(model="smollm2", messages=ASK, max_tokens=1)
        raises("an unknown key", openai.AuthenticationError, 401, lambda: client_of(s, "eve").models.list(),
               "invalid_api_key")
        check("a known key", client_of(s, "ann").chat.completions.create(**hi).choices)
        bob, cat = client_of(s, "bob"), client_of(s, "cat")
        bob.chat.completions.create(**hi)
        raises("requests in a minute", openai.RateLimitError, 429, lambda: bob.chat.completions.create(**hi))
        with cat.completions.create(model="smollm2", prompt="1, 2,", max_tokens=1900, stream=True,
                                    extra_body={"ignore_eos": True}) as stream:
            next(iter(stream))
            raises("requests at once", openai.RateLimitError, 429, lambda: cat.chat.completions.create(**hi))
        s.end()


ENDLESS = dict(model="smollm2", prompt="1, 2, 3,", max_tokens=1900, extra_body={"ignore_eos": True})


def times_and_queues():
    s = Server("--request-timeout", "0.5", "--max-seqs", "1", "--max-queue", "1")
    c = client_of(s)
    raises("the time for a request", openai.InternalServerError, 504, lambda: c.completions.create(**ENDLESS), "request_timeout")
    try:
        for _ in c.completions.create(**ENDLESS, stream=True):
            pass
        check("a stream that is cut off is an error", False)
    except openai.APIError as e:
        check("a stream that is cut off is an error", e.code == "request_timeout", e.body)
    s.end()
    s = Server("--max-seqs", "1", "--max-queue", "1")
    c = client_of(s)
    runs = c.completions.create(**ENDLESS, stream=True)
    next(iter(runs))
    waits = c.completions.create(**ENDLESS, stream=True)
    raises("a full queue", openai.RateLimitError, 429, lambda: c.completions.create(**ENDLESS), "queue_full")
    s.process.send_signal(signal.SIGTERM)
    s.wait_for("the server drains", lambda: draining(c))
    runs.close()
    waits.close()
    s.end()


def draining(c):
    """Asked on a connection that is still open: new ones are refused."""
    try:
        c.completions.create(model="smollm2", prompt="x", max_tokens=1)
    except openai.RateLimitError:
        return False
    except openai.APIConnectionError:
        return True
    except openai.InternalServerError as e:
        check("draining is a 503", e.status_code == 503 and e.code == "shutting_down", e.body)
        return True


# ---- Cancellation ----

def cancellation(c, s):
    aborted = lambda: s.metric('vllm:request_success_total{finished_reason="abort"')
    free = lambda: s.metric("vllm:num_requests_running{") == 0 and s.metric("vllm:kv_cache_usage_perc{") == 0
    before = aborted()
    stream = c.completions.create(**ENDLESS, stream=True)
    next(iter(stream))
    s.wait_for("a stream runs", lambda: s.metric("vllm:num_requests_running{") == 1)
    stream.close()
    s.wait_for("closing a stream ends its request", lambda: aborted() == before + 1)
    s.wait_for("and frees its memory", free)

    async def cancelled():
        a = openai.AsyncOpenAI(base_url=s.url + "/v1", api_key="none", max_retries=0)
        task = asyncio.create_task(a.completions.create(**ENDLESS))
        while await asyncio.to_thread(s.metric, "vllm:num_requests_running{") == 0:
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await a.close()
    asyncio.run(cancelled())
    s.wait_for("a cancelled task ends its request", lambda: aborted() == before + 2)
    s.wait_for("and frees its memory too", free)

    async def at_once():
        a = openai.AsyncOpenAI(base_url=s.url + "/v1", api_key="none", max_retries=0)
        answers = await asyncio.gather(*(a.completions.create(model="smollm2", **COUNT) for _ in range(16)))
        await a.close()
        return {x.choices[0].text for x in answers}
    check("sixteen at once, the same answer", len(asyncio.run(at_once())) == 1)


def responses(c):
    ask = {"model": "smollm2", "input": ASK[0]["content"], "temperature": 0}
    whole = c.responses.create(**ask, max_output_tokens=24)
    text = whole.output_text
    check("a response", "Paris" in text and whole.status == "completed" and whole.error is None and
          whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens, whole)
    short = c.responses.create(**ask, max_output_tokens=2)
    check("one that ran out", short.status == "incomplete" and short.incomplete_details.reason == "max_output_tokens", short)
    more = c.responses.create(model="smollm2", instructions="Be brief.", max_output_tokens=8,
                              input=[*ASK, *whole.output, {"role": "user", "content": "And of Spain?"}])
    check("its output is the next request's input", more.usage.input_tokens > whole.usage.input_tokens, more)
    with c.responses.stream(**ask, max_output_tokens=24) as s:
        deltas = [e.delta for e in s if e.type == "response.output_text.delta"]
        final = s.get_final_response()
    check("a stream is the same answer", "".join(deltas) == final.output_text == text and len(deltas) > 1, deltas)
    for name, value in ("previous_response_id", "resp_1"), ("tools", [{"type": "web_search"}]), ("background", True):
        raises(f"{name} of a response", openai.BadRequestError, 400,
               lambda: c.responses.create(**ask, **{name: value}), "unsupported_parameter")


# ---- Embeddings ----

def embeddings(c):
    create = c.embeddings.create
    texts = ["The cat sits on the mat.", "A cat is sitting on a mat.", "Interest rates rose in March."]
    e = create(model="smollm2", input=texts)  # the package asks for base64, and decodes it
    cat, mat, rates = (x.embedding for x in e.data)
    check("a vector for each text", [x.index for x in e.data] == [0, 1, 2] and len({len(x.embedding) for x in e.data}) == 1 and
          e.usage.prompt_tokens > 0, e.usage)
    dot = lambda a, b: math.fsum(x * y for x, y in zip(a, b))
    check("of length one", all(abs(dot(v, v) - 1) < 1e-3 for v in (cat, mat, rates)), [dot(v, v) for v in (cat, mat, rates)])
    check("like texts are near", dot(cat, mat) > dot(cat, rates), (dot(cat, mat), dot(cat, rates)))
    plain = create(model="smollm2", input=texts[0], encoding_format="float").data[0].embedding
    check("the same as numbers", all(abs(a - b) < 1e-5 for a, b in zip(plain, cat)), (plain[:3], cat[:3]))
    raises("no input", openai.BadRequestError, 400, lambda: create(model="smollm2", input=[]))
    raises("another model", openai.NotFoundError, 404, lambda: create(model="text-embedding-3", input="x"))


server = Server("--max-body", "100K", "--drain-timeout", "60")
client = client_of(server)
models(client)
chats(client)
completions(client)
responses(client)
embeddings(client)
errors(client, server)
cancellation(client, server)
server.end()
keys()
times_and_queues()
finish()
