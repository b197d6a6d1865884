"""anthropic_checks.py - the official `anthropic` package against `sumi serve`: it works by changing its base URL only.

usage: anthropic_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import asyncio, hashlib, tempfile

import anthropic

from served import Server, check, finish

ASK = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY = {"extra_body": {"temperature": 0}}  # the package has no argument for it any more, the API has


def client_of(s, key="none"):
    return anthropic.Anthropic(base_url=s.url, api_key=key, max_retries=0, timeout=600)


def raises(what, kind, status, call):
    """The package's own exception, with the status and the fields of the API's error object."""
    try:
        got = call()
    except kind as e:
        body = e.body if isinstance(e.body, dict) else {}
        check(f"{what}: {kind.__name__} {status}", e.status_code == status and body.get("type") == "error" and
              body["error"]["message"] and body["request_id"] == e.request_id, (e.status_code, e.body))
    except Exception as e:
        check(f"{what}: {kind.__name__}", False, repr(e))
    else:
        check(f"{what}: {kind.__name__}", False, got)


def messages(c):
    whole = c.messages.create(model="smollm2", max_tokens=24, messages=ASK, **GREEDY)
    text = whole.content[0].text
    check("a message", "Paris" in text and whole.stop_reason == "end_turn" and whole.role == "assistant" and
          whole.model == "smollm2" and whole.usage.output_tokens > 0, whole)
    check("the request's id", whole._request_id and whole.id == "msg_" + whole._request_id, whole)
    blocks = [{"role": "user", "content": [{"type": "text", "text": ASK[0]["content"]}]}]
    check("blocks are text", c.messages.create(model="smollm2", max_tokens=24, messages=blocks, **GREEDY).content[0].text == text)
    cut = c.messages.create(model="smollm2", max_tokens=24, messages=ASK, stop_sequences=["Paris"], **GREEDY)
    check("a stop sequence", cut.stop_reason == "stop_sequence" and cut.stop_sequence == "Paris" and
          cut.content[0].text == text.split("Paris")[0], cut)
    short = c.messages.create(model="smollm2", max_tokens=2, messages=ASK, system="Answer in French.", **GREEDY)
    check("max_tokens", short.stop_reason == "max_tokens" and short.usage.output_tokens == 2, short)
    more = c.messages.create(model="smollm2", max_tokens=8, messages=ASK + [whole.to_param()] +
                             [{"role": "user", "content": "And of Spain?"}])
    check("an answer is the next request's turn", more.usage.input_tokens + more.usage.cache_read_input_tokens >
          whole.usage.input_tokens + whole.usage.cache_read_input_tokens, more)
    return text


def streams(c, text):
    with c.messages.stream(model="smollm2", max_tokens=24, messages=ASK, **GREEDY) as s:
        pieces = list(s.text_stream)
        final = s.get_final_message()
    check("a stream is the same answer", "".join(pieces) == final.content[0].text == text and len(pieces) > 1, pieces)
    check("with its end", final.stop_reason == "end_turn" and final.usage.output_tokens > 0, final)
    kinds = [e.type for e in c.messages.create(model="smollm2", max_tokens=2, messages=ASK, stream=True)]
    check("events", kinds[:2] == ["message_start", "content_block_start"] and kinds[-1] == "message_stop", kinds)

    async def several():
        async with anthropic.AsyncAnthropic(base_url=str(c.base_url), api_key="none", max_retries=0, timeout=600) as a:
            return await asyncio.gather(*(a.messages.create(model="smollm2", max_tokens=24, messages=ASK, **GREEDY)
                                          for _ in range(4)))

    got = [m.content[0].text for m in asyncio.run(several())]
    check("several at once are the same", got == [text] * 4, got)


def departs(s, c):
    """An endless answer ends when its reader is gone."""
    before = s.metric('vllm:request_success_total{finished_reason="abort"')
    with c.messages.create(model="smollm2", max_tokens=1900, stream=True, messages=[
            {"role": "user", "content": "Write a very long story."}], **GREEDY) as stream:
        next(e for e in stream if e.type == "content_block_delta")
    s.wait_for("a stream that is left is over",
               lambda: s.metric('vllm:request_success_total{finished_reason="abort"') == before + 1)


def others(c):
    n = c.messages.count_tokens(model="smollm2", messages=ASK).input_tokens
    check("tokens are counted", n > 5 and c.messages.count_tokens(model="smollm2", messages=ASK, system="Hi").input_tokens != n, n)
    listed = list(c.models.list())
    check("models", [m.id for m in listed] == ["smollm2"] and c.models.retrieve("smollm2") == listed[0], listed)


def refusals(c):
    create = c.messages.create
    image = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]
    tool = {"name": "t", "input_schema": {"type": "object"}}
    bad, missing = anthropic.BadRequestError, anthropic.NotFoundError
    good = {"model": "smollm2", "max_tokens": 1, "messages": ASK}
    raises("another model", missing, 404, lambda: create(**{**good, "model": "claude"}))
    raises("another model's description", missing, 404, lambda: c.models.retrieve("claude"))
    raises("a path that is none", missing, 404, lambda: c.messages.batches.list())
    raises("an image", bad, 400, lambda: create(**{**good, "messages": [{"role": "user", "content": image}]}))
    raises("tools", bad, 400, lambda: create(**good, tools=[tool]))
    raises("thinking", bad, 400, lambda: create(**good, thinking={"type": "enabled", "budget_tokens": 1024}))
    raises("a value out of range", bad, 400, lambda: create(**good, extra_body={"temperature": 2}))
    raises("a prompt beyond the context", bad, 400, lambda: create(**{**good, "system": "word " * 3000}))
    raises("a large body", anthropic.APIStatusError, 413, lambda: create(**{**good, "system": "x" * 200000}))


def keys():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"ann {hashlib.sha256(b'secret').hexdigest()} rpm=1\n")
        file.flush()
        s = Server("--api-key-file", file.name)
        ask = {"model": "smollm2", "max_tokens": 1, "messages": ASK}
        raises("a wrong key", anthropic.AuthenticationError, 401, lambda: client_of(s).messages.create(**ask))
        c = client_of(s, "secret")
        check("a key opens", c.messages.create(**ask).usage.output_tokens == 1)
        raises("a limit", anthropic.RateLimitError, 429, lambda: c.messages.create(**ask))
        s.end()


server = Server("--max-body", "100K")
client = client_of(server)
answer = messages(client)
streams(client, answer)
departs(server, client)
others(client)
refusals(client)
server.end()
keys()
finish()
