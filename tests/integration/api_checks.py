"""api_checks.py - the APIs beside OpenAI's chat and completions, asked of a running `sumi serve` by test_serve.sh:
Anthropic's messages, OpenAI's responses, Ollama's. Each must give the answer that /v1/chat/completions gives.

usage: api_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import hashlib, json, os, subprocess, tempfile
from served import CHAT, MODEL, SUMI, Server, chat, check, finish, is_openai_error

MESSAGES, COUNT, RESPONSES = "/v1/messages", "/v1/messages/count_tokens", "/v1/responses"
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
ALONE = {"keep_alive": 0, "options": {"temperature": 0, "num_predict": 24, "repeat_penalty": 1}}


def named_events(s, path, body):
    """A stream of `event: NAME` and `data: {...}`, whose type must be the name."""
    status, raw, headers = s.ask("POST", path, {**body, "stream": True})
    check("a stream is one", status == 200 and headers["Content-Type"].startswith("text/event-stream"), raw)
    parts = [p.split("\n") for p in raw.decode().split("\n\n") if p]
    got = [json.loads(data[6:]) for name, data in parts]
    check("events are called what they are", all(name == "event: " + e["type"] for (name, _), e in zip(parts, got)), parts)
    return got


def lines(s, path, body):
    status, raw, headers = s.ask("POST", path, body)
    check("a stream of lines", status == 200 and headers["Content-Type"] == "application/x-ndjson", (status, raw))
    return [json.loads(line) for line in raw.splitlines()] if isinstance(raw, bytes) else [raw]


def anthropic(s, text, n_prompt):
    body = {"model": "smollm2", "max_tokens": 24, "temperature": 0, "messages": QUESTION}
    status, m, headers = s.ask("POST", MESSAGES, body, {"Anthropic-Version": "2023-06-01"})
    check("a message is answered", status == 200 and m["content"] == [{"type": "text", "text": text}], m)
    check("it ends its turn", m["stop_reason"] == "end_turn" and m["stop_sequence"] is None and m["type"] == "message" and
          m["role"] == "assistant", m)
    usage = m["usage"]
    check("input is computed or cached", usage["input_tokens"] + usage["cache_read_input_tokens"] == n_prompt and
          usage["cache_read_input_tokens"] > 0, usage)
    check("the request's id is told", headers["request-id"] == headers["X-Request-Id"] and
          m["id"] == "msg_" + headers["request-id"], headers)

    cut = s.ask("POST", MESSAGES, {**body, "stop_sequences": ["never", "Paris"]})[1]
    check("the stop sequence is named", cut["stop_reason"] == "stop_sequence" and cut["stop_sequence"] == "Paris" and
          cut["content"][0]["text"] == text.split("Paris")[0], cut)
    short = s.ask("POST", MESSAGES, {**body, "max_tokens": 2})[1]
    check("max_tokens is a reason", short["stop_reason"] == "max_tokens" and short["usage"]["output_tokens"] == 2, short)
    none = s.ask("POST", MESSAGES, {**body, "max_tokens": 0})[1]
    check("max_tokens 0 is no text", none["content"][0]["text"] == "" and none["usage"]["output_tokens"] == 0, none)
    half = text[:text.index(" ", 8)]
    more = s.ask("POST", MESSAGES, {**body, "messages": QUESTION + [{"role": "assistant", "content": half}]})[1]
    check("a begun answer goes on", half + more["content"][0]["text"] == text, more)

    got = named_events(s, MESSAGES, body)
    kinds = [e["type"] for e in got]
    deltas = kinds.count("content_block_delta")
    check("events in their order", kinds == ["message_start", "content_block_start", "ping"] +
          ["content_block_delta"] * deltas + ["content_block_stop", "message_delta", "message_stop"] and deltas > 1, kinds)
    check("a stream is the same answer", "".join(e["delta"]["text"] for e in got[3:3 + deltas]) == text, got)
    check("with its end", got[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None} and
          got[-2]["usage"]["output_tokens"] == usage["output_tokens"], got[-2])
    check("tokens are counted", s.ask("POST", COUNT, {"messages": QUESTION})[1] == {"input_tokens": n_prompt})
    system = s.ask("POST", COUNT, {"messages": QUESTION, "system": "Be brief."})[1]
    check("a system prompt counts", system["input_tokens"] != n_prompt, system)
    models = s.ask("GET", "/v1/models", None, {"Anthropic-Version": "2023-06-01"})[1]
    check("models have its fields", models["first_id"] == models["last_id"] == models["data"][0]["id"] == "smollm2" and
          models["data"][0]["type"] == "model" and not models["has_more"], models)


def responses(s, text, n_prompt):
    body = {"input": "What is the capital of France?", "temperature": 0, "max_output_tokens": 24}
    status, r, _ = s.ask("POST", RESPONSES, body)
    check("a response is answered", status == 200 and r["status"] == "completed" and
          r["output"][0]["content"][0]["text"] == text, r)
    check("usage adds up", r["usage"]["input_tokens"] == n_prompt and
          r["usage"]["total_tokens"] == n_prompt + r["usage"]["output_tokens"], r["usage"])
    turns = [{"role": "user", "content": [{"type": "input_text", "text": body["input"]}]}]
    check("messages are the same", s.ask("POST", RESPONSES, {**body, "input": turns})[1]["output"][0]["content"] ==
          r["output"][0]["content"])
    short = s.ask("POST", RESPONSES, {**body, "max_output_tokens": 2})[1]
    check("one that ran out is incomplete", short["status"] == "incomplete" and
          short["incomplete_details"] == {"reason": "max_output_tokens"}, short)

    got = named_events(s, RESPONSES, body)
    kinds = [e["type"].removeprefix("response.") for e in got]
    deltas = kinds.count("output_text.delta")
    check("events in their order", kinds == ["created", "in_progress", "output_item.added", "content_part.added"] +
          ["output_text.delta"] * deltas + ["output_text.done", "content_part.done", "output_item.done", "completed"], kinds)
    check("events are numbered", [e["sequence_number"] for e in got] == list(range(len(got))), got)
    check("a stream is the same answer", "".join(e["delta"] for e in got[4:4 + deltas]) == got[-4]["text"] == text, got)
    check("the last one has it all", got[-1]["response"]["output"][0]["content"][0]["text"] == text and
          got[-1]["response"]["usage"]["output_tokens"] == r["usage"]["output_tokens"], got[-1])


def ollama(s, text, n_prompt):
    body = {"model": "smollm2", "messages": QUESTION, **ALONE}
    status, whole, _ = s.ask("POST", "/api/chat", {**body, "stream": False})
    check("an Ollama chat is answered", status == 200 and whole["message"] == {"role": "assistant", "content": text} and
          whole["done"] is True and whole["done_reason"] == "stop", whole)
    check("with its numbers", whole["prompt_eval_count"] == n_prompt and whole["eval_count"] > 0 and
          whole["total_duration"] >= whole["prompt_eval_duration"] + whole["eval_duration"] > 0, whole)
    got = lines(s, "/api/chat", body)
    check("streams are the default", [p["done"] for p in got] == [False] * (len(got) - 1) + [True] and len(got) > 2 and
          "".join(p["message"]["content"] for p in got) == text, got)
    prompt = {"model": "smollm2:latest", "prompt": QUESTION[0]["content"], **ALONE}
    got = lines(s, "/api/generate", prompt)
    check("a prompt is a chat", "".join(p["response"] for p in got) == text and got[-1]["eval_count"] > 0, got)
    raw = s.ask("POST", "/api/generate", {**prompt, "prompt": "1, 2, 3, 4,", "raw": True, "stream": False})[1]
    check("unless it is raw", raw["response"].startswith(" 5, 6") and raw["done_reason"] == "length", raw)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = json.dumps({**prompt, "stream": False})
    check("curl's form is JSON", s.ask("POST", "/api/generate", asked, form)[1]["response"] == text)
    check("so is what has no type", s.ask("POST", "/api/generate", asked, {})[1]["response"] == text)
    check("but not from a web page", s.ask("POST", "/api/generate", asked, {**form, "Origin": "http://a.example"})[0] == 415)
    turns = [{"role": "system", "content": "Be brief."}] + [
        {"role": r, "content": f"{i} " + "word " * 300} for i in range(8) for r in ("user", "assistant")]
    asked = {**body, "stream": False, "options": {"num_predict": 2}}
    long = s.ask("POST", "/api/chat", {**asked, "messages": turns + QUESTION})
    fits = [s.ask("POST", "/api/chat", {**asked, "truncate": False, "messages": turns[:1] + turns[i:] + QUESTION})
            for i in range(1, len(turns), 2)]
    check("a chat that is too long loses its oldest turns", long[0] == 200 and long[1]["prompt_eval_count"] == next(
        f[1]["prompt_eval_count"] for f in fits if f[0] == 200 and f[1]["prompt_eval_count"] <= 2046), (long, fits))
    check("unless it says no", fits[0][0] == 400 and s.ask("POST", "/api/chat", {**asked, "messages": [
        {"role": "user", "content": "word " * 3000}]})[0] == 400, fits[0])
    loaded = lines(s, "/api/chat", {"model": "smollm2", "messages": []})
    check("loading is done", len(loaded) == 1 and loaded[0]["done_reason"] == "load", loaded)

    listed, running = (s.ask("GET", "/api/" + name)[1]["models"] for name in ("tags", "ps"))
    check("the model has a tag", listed[0]["name"] == listed[0]["model"] == running[0]["name"] == "smollm2:latest", listed)
    check("and a digest", len(listed[0]["digest"]) == 64 and listed[0]["digest"] == running[0]["digest"], listed)
    check("it is loaded", running[0]["context_length"] == 2048, running)
    shown = s.ask("POST", "/api/show", {"model": "smollm2"})[1]
    check("its shape is shown", shown["model_info"]["llama.block_count"] == 30 and
          shown["details"]["parameter_size"] == "134.5M" and "completion" in shown["capabilities"], shown)
    check("a version that its clients take", [int(n) for n in s.ask("GET", "/api/version")[1]["version"].split(".")] >= [0, 6, 4])
    here = next(m for m in json.loads(subprocess.run([SUMI, "list", "--json"], capture_output=True, text=True, env={
        **os.environ, "SUMI_MODELS": os.path.dirname(MODEL)}).stdout) if m["name"] == "smollm2")
    check("its size and type are those of sumi list", (here["bytes"], here["type"]) == (
        listed[0]["size"], listed[0]["details"]["quantization_level"]), (here, listed))
    one = {"max_tokens": 1, "messages": QUESTION}
    for name in ("smollm2:latest", "smollm2"):
        check(f"{name} is a name everywhere", s.ask("POST", CHAT, {**one, "model": name})[0] == 200 and
              s.ask("POST", MESSAGES, {**one, "model": name})[0] == 200 and s.ask("GET", "/v1/models/" + name)[0] == 200)
    check("case does not matter to Ollama", s.ask("POST", "/api/show", {"model": "SmolLM2:latest"})[0] == 200 and
          s.ask("POST", CHAT, {**one, "model": "SmolLM2"})[0] == 404)


def shape(body):
    """Whose error it is, by its fields."""
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("error"), str):
        return "ollama" if set(body) == {"error"} else None
    if body.get("type") == "error":
        return "anthropic" if set(body["error"]) == {"type", "message"} and set(body) == {"type", "error", "request_id"} else None
    return "openai" if is_openai_error(body["error"]) else None


def described(s):
    """What clients of other servers ask for before they send text."""
    status, props, _ = s.ask("GET", "/props")
    check("/props tells the context and the template", status == 200 and props["default_generation_settings"]["n_ctx"] == 2048 and
          "<|im_start|>" in props["chat_template"] and props["bos_token"] == "<|im_start|>" and "/" not in props["model_path"], props)
    status, slots, _ = s.ask("GET", "/slots?fail_on_no_slot=1")
    check("/slots has a place for each answer", status == 200 and len(slots) == props["total_slots"] and not any(x["is_processing"] for x in slots), slots)
    status, info, _ = s.ask("GET", "/tokenizer_info")
    check("/tokenizer_info tells the vocabulary", status == 200 and info["vocab_size"] == 49152 and info["eos_token"] == "<|im_end|>", info)
    prompt = s.ask("POST", "/apply-template", {"messages": QUESTION})[1]["prompt"]
    check("/apply-template tells what the model is given", prompt.endswith("<|im_start|>user\n" + QUESTION[0]["content"] + "<|im_end|>\n<|im_start|>assistant\n"), prompt)
    ids = s.ask("POST", "/tokenize", {"prompt": prompt, "add_special_tokens": False})[1]["tokens"]
    told = s.ask("POST", "/tokenize", {"messages": QUESTION, "return_token_strs": True})[1]
    check("/tokenize takes a chat", told["tokens"] == ids and "".join(told["token_strs"]) == prompt, told)
    text = s.ask("POST", "/tokenize", {"content": "<|im_end|>", "add_special": False, "parse_special": False})[1]["tokens"]
    both = {"tokens": [*text, 2]}
    check("a special token's name may be plain text", len(text) > 1 and 2 not in text and
          s.ask("POST", "/detokenize", both)[1]["content"] == "<|im_end|>" * 2 and
          s.ask("POST", "/detokenize", {**both, "skip_special_tokens": True})[1]["content"] == "<|im_end|>", text)
    pieces = s.ask("POST", "/tokenize", {"content": "a \u2603", "with_pieces": True, "add_special": False})[1]["tokens"]
    parts = [p["piece"].encode() if isinstance(p["piece"], str) else bytes(p["piece"]) for p in pieces]
    check("/tokenize tells pieces, bytes where they are no text", b"".join(parts) == "a \u2603".encode() and any(isinstance(p["piece"], list) for p in pieces), pieces)
    check("a mistake in a chat is named", s.ask("POST", "/apply-template", {"messages": [{"role": "nobody", "content": "x"}]})[0] == 400)
    for path, body in ("/api/chat", {"messages": QUESTION}), ("/api/generate", {"prompt": "1, 2, 3,"}):
        body.update(model="smollm2", logprobs=True, top_logprobs=2, options={"temperature": 0, "num_predict": 6})
        whole = s.ask("POST", path, {**body, "stream": False})[1]
        text = whole["message"]["content"] if "message" in whole else whole["response"]
        check(f"{path}: log-probabilities of each token", "".join(t["token"] for t in whole["logprobs"]) == text and
              all(len(t["top_logprobs"]) == 2 and t["logprob"] <= 0 and bytes(t["bytes"]).decode() == t["token"] for t in whole["logprobs"]), whole)
        streamed = [json.loads(l) for l in s.ask("POST", path, body)[1].splitlines()]
        check(f"{path}: the same as a stream", [t for l in streamed for t in l.get("logprobs", [])] == whole["logprobs"], streamed)
    check("/api/pull: the model is here", s.ask("POST", "/api/pull", {"model": "smollm2:latest", "stream": False})[1] == {"status": "success"})
    check("/api/pull of another one is refused", s.ask("POST", "/api/pull", {"model": "llama3.2"})[0] == 404)


def refusals(s):
    json_type, text_type = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
    good = {"model": "smollm2", "max_tokens": 1, "messages": QUESTION}
    version = {"Anthropic-Version": "2023-06-01"}
    long = [{"role": "user", "content": "word " * 3000}]
    for want, whose, *request in [
        (404, "anthropic", "POST", MESSAGES + "/batches", good),
        (404, "anthropic", "POST", MESSAGES, {**good, "model": "other"}),
        (404, "anthropic", "GET", "/v1/models/other", None, version),
        (404, "openai", "GET", "/v1/models/other"),
        (404, "openai", "GET", "/v1/responses/resp_1"),
        (404, "ollama", "POST", "/api/pull", {"model": "other"}),
        (404, "ollama", "POST", "/api/chat", {"model": "other"}),
        (404, "ollama", "POST", "/api/show", {"model": "other"}),
        (405, "anthropic", "GET", MESSAGES),
        (405, "openai", "GET", RESPONSES),
        (405, "ollama", "DELETE", "/api/tags"),
        (413, "anthropic", "POST", MESSAGES, {**good, "system": "x" * 200000}),
        (413, "ollama", "POST", "/api/generate", {"model": "smollm2", "prompt": "x" * 200000}),
        (415, "anthropic", "POST", MESSAGES, json.dumps(good), text_type),
        (415, "ollama", "POST", "/api/chat", "{}", {**text_type, "Origin": "http://a.example"}),
        (400, "anthropic", "POST", MESSAGES, "{", json_type),
        (400, "anthropic", "POST", MESSAGES, {"messages": QUESTION}),
        (400, "anthropic", "POST", MESSAGES, {**good, "messages": long}),
        (400, "anthropic", "POST", COUNT, {"messages": []}),
        (400, "openai", "POST", RESPONSES, {"input": "a", "previous_response_id": "resp_1"}),
        (400, "openai", "POST", RESPONSES, {"input": long}),
        (400, "ollama", "POST", "/api/chat", {"model": "smollm2", "messages": 1}),
        (400, "ollama", "POST", "/api/chat", {"model": "smollm2", "messages": long}),
        (400, "ollama", "POST", "/api/generate", {"prompt": 1}),
        (400, "ollama", "POST", "/api/show", {"model": 1}),
    ]:
        status, body, _ = s.ask(*request)
        check(f"{request[0]} {request[1]} is {want} as {whose} says it", status == want and shape(body) == whose, (status, body))


def keys():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(f"ann {hashlib.sha256(b'secret').hexdigest()} rpm=1\n")
        file.flush()
        s = Server("--api-key-file", file.name, "--log-level", "error")
        body = {"model": "smollm2", "max_tokens": 1, "messages": QUESTION}
        for path, whose in (MESSAGES, "anthropic"), (RESPONSES, "openai"), ("/api/chat", "ollama"):
            status, error, _ = s.ask("POST", path, body)
            check(f"{path} without a key is 401", status == 401 and shape(error) == whose, (status, error))
        ann = {"X-Api-Key": "secret"}
        got = [s.ask("POST", path, body, ann)[0] for path in (COUNT, MESSAGES, COUNT)]
        check("counting is no request of the engine, and has the same limit", got == [200, 200, 429], got)
        status, error, headers = s.ask("POST", "/api/chat", body, ann)
        check("a limit is told to each", status == 429 and shape(error) == "ollama" and int(headers["Retry-After"]) > 0, error)
        s.end()


server = Server("--max-body", "100K")
same = server.ask("POST", CHAT, chat(QUESTION[0]["content"], max_tokens=24))[1]
answer, prompt_tokens = same["choices"][0]["message"]["content"], same["usage"]["prompt_tokens"]
check("there is an answer", "Paris" in answer, answer)
for api in anthropic, responses, ollama:
    api(server, answer, prompt_tokens)
described(server)
refusals(server)
server.end()
keys()
finish()
