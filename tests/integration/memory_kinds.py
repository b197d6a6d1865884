"""memory_kinds.py - the requests in which memory_checks.py lets every allocation fail: KINDS, and the servers that get them."""
import collections, json, pathlib, subprocess

TINY = pathlib.Path("tests/golden/tiny")
USER = [{"role": "user", "content": "Say “hi”."}]
LONG = "lorem ipsum " * 800  # more than the connection's thread tokenises itself


def is_openai(e):
    return set(e) == {"error"} and set(e["error"]) == {"message", "type", "param", "code"}


def is_anthropic(e):
    return set(e) == {"type", "error", "request_id"} and e["type"] == "error" and set(e["error"]) == {"type", "message"}


def is_ollama(e):
    return set(e) == {"error"} and isinstance(e["error"], str)


# form: of errors. body: None for GET. server: one of SERVERS. status: of the answer without failures.
Kind = collections.namedtuple("Kind", "form path body status server method headers streams")


def kind(form, path, body=None, status=200, server="m", method=None, headers={}, streams=None):
    if streams is None:
        streams = body is not None and not isinstance(body, bytes) and body.get("stream", form is is_ollama and path in STREAMS)
    return Kind(form, path, body, status, server, method or ("POST" if body is not None else "GET"), headers, streams)


STREAMS = ("/api/chat", "/api/generate")  # unless the request says that they do not
KEY = "a-key-of-more-than-16-bytes"
GREEDY = {"temperature": 0, "max_tokens": 3}
OPTIONS = {"temperature": 0, "num_predict": 3}
RESPONSE = {"temperature": 0, "max_output_tokens": 16}
CHAT, TEXT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"
CALLED = USER + [{"role": "assistant", "content": None, "tool_calls": [
    {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}]},
    {"role": "tool", "tool_call_id": "c", "content": "x"}]
USED = USER + [{"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "look", "input": {"at": 1}}]},
               {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]}]
KINDS = {
    "chat": kind(is_openai, CHAT, {"messages": USER, "logprobs": True, "top_logprobs": 2, **GREEDY}),
    "chat stream": kind(is_openai, CHAT, {"messages": USER, "stream": True, "stream_options": {"include_usage": True}, **GREEDY}),
    "two chats stream": kind(is_openai, CHAT, {"messages": USER, "stream": True, "n": 2, "logprobs": True, "seed": 1,
                                               "max_tokens": 3}),
    "chat, sampling": kind(is_openai, CHAT, {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "seed": 1,
                                             "max_tokens": 3, "top_k": 5, "min_p": 0.1, "typical_p": 0.9, "stop": ["zzz", "yyy"],
                                             "repetition_penalty": 1.1, "presence_penalty": 1, "frequency_penalty": 1,
                                             "metadata": {"a": "b"}, "user": "somebody"}),
    "chat, continued": kind(is_openai, CHAT, {"messages": USER + [{"role": "assistant", "content": "It is"}],
                                              "continue_final_message": True, "add_generation_prompt": False, **GREEDY}),
    "tools": kind(is_openai, CHAT, {"messages": CALLED, **GREEDY}, 400),  # this model's template has no place for tools
    "tools told": kind(is_openai, CHAT, {"messages": CALLED, **GREEDY}, server="tools"),
    "completion": kind(is_openai, TEXT, {"prompt": "a b c", "n": 2, "stop": ["zzz"], "logit_bias": {"5": 1}, "seed": 1,
                                         "max_tokens": 3}),
    "best of": kind(is_openai, TEXT, {"prompt": "a b c", "n": 1, "best_of": 3, "seed": 1, "max_tokens": 3}),
    "two prompts": kind(is_openai, TEXT, {"prompt": ["a b c", "d e"], "logprobs": 2, "echo": True, **GREEDY}),
    "echo stream": kind(is_openai, TEXT, {"prompt": [5, 6, 7], "stream": True, "echo": True, **GREEDY}),
    "messages": kind(is_anthropic, MESSAGES, {"messages": USER, "system": "s", **GREEDY}),
    "messages stream": kind(is_anthropic, MESSAGES, {"messages": USER, "stream": True, **GREEDY}),
    "messages tools": kind(is_anthropic, MESSAGES, {"messages": USED, **GREEDY}, server="tools"),
    "responses": kind(is_openai, RESPONSES, {"input": "hello", "metadata": {"a": "b"}, **RESPONSE}),
    "responses items": kind(is_openai, RESPONSES, {"input": USER, "instructions": "Be brief.", **RESPONSE}),
    "responses stream": kind(is_openai, RESPONSES, {"input": "hello", "stream": True, **RESPONSE}),
    "ollama chat": kind(is_ollama, "/api/chat", {"messages": USER, "stream": False, "options": OPTIONS}),
    "ollama chat stream": kind(is_ollama, "/api/chat", {"messages": USER, "options": OPTIONS}),
    "ollama stream": kind(is_ollama, "/api/generate", {"prompt": "hello", "options": OPTIONS}),
    "ollama raw": kind(is_ollama, "/api/generate", {"prompt": "hello", "raw": True, "stream": False, "options": OPTIONS}),
    "ollama embed": kind(is_ollama, "/api/embed", {"input": ["a b", "c"]}),
    "ollama embeddings": kind(is_ollama, "/api/embeddings", {"prompt": "a b"}),
    "ollama show": kind(is_ollama, "/api/show", {"model": "m"}),
    "ollama pull": kind(is_ollama, "/api/pull", {"model": "m", "stream": False}),
    "ollama tags": kind(is_ollama, "/api/tags"),
    "ollama ps": kind(is_ollama, "/api/ps"),
    "ollama version": kind(is_ollama, "/api/version"),
    "embeddings": kind(is_openai, "/v1/embeddings", {"input": ["a b", "c"], "encoding_format": "base64"}),
    "embeddings of ids": kind(is_openai, "/v1/embeddings", {"input": [[5, 6, 7], [8]]}),
    "embeddings, encoder": kind(is_openai, "/v1/embeddings", {"input": ["a b", "c"]}, server="encoder"),
    "tokenize": kind(is_openai, "/tokenize", {"prompt": "a b c\\u0000 d"}),
    "tokenize long": kind(is_openai, "/tokenize", {"prompt": LONG}, streams=True),  # it is sent while it is written
    "tokenize chat": kind(is_openai, "/tokenize", {"messages": USER, "return_token_strs": True}),
    "tokenize pieces": kind(is_openai, "/tokenize", {"content": "a b c", "with_pieces": True}),
    "detokenize": kind(is_openai, "/detokenize", {"tokens": [5, 6, 7, 8]}),
    "template": kind(is_openai, "/apply-template", {"messages": USER}),
    "count": kind(is_anthropic, "/v1/messages/count_tokens", {"messages": USER}),
    "tokenizer": kind(is_openai, "/tokenizer_info", streams=True),
    "models": kind(is_openai, "/v1/models"),
    "model": kind(is_openai, "/v1/models/m"),
    "props": kind(is_openai, "/props"),
    "slots": kind(is_openai, "/slots"),
    "stats": kind(is_openai, "/stats"),
    "metrics": kind(is_openai, "/metrics"),
    "health": kind(is_openai, "/health"),
    "ready": kind(is_openai, "/ready"),
    "version": kind(is_openai, "/version"),
    "openapi": kind(is_openai, "/openapi.json"),
    "page": kind(is_openai, "/"),
    "web file": kind(is_openai, "/web/app.js"),
    "web file, gzip": kind(is_openai, "/web/app.js", headers={"Accept-Encoding": "gzip"}),
    "wide": kind(is_openai, TEXT, b'{"prompt": "a", "max_tokens": 2, "temperature": 0, "x": 99999999999999999999}'),
    "bad": kind(is_openai, TEXT, {"prompt": "a", "max_tokens": "many"}, 400),
    "no JSON": kind(is_openai, TEXT, b'{"prompt": "a"', 400),
    "too long": kind(is_openai, TEXT, {"prompt": LONG, "max_tokens": 2}, 400),
    "no path": kind(is_openai, "/v1/nothing", status=404),
    "no method": kind(is_openai, TEXT, status=405),
    "head": kind(is_openai, "/health", method="HEAD"),
    "preflight": kind(is_openai, CHAT, server="keys", method="OPTIONS", status=204,
                      headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}),
    "with a key": kind(is_openai, TEXT, {"prompt": "a b c", **GREEDY}, server="keys",
                       headers={"Authorization": f"Bearer {KEY}", "Origin": "https://a.example"}),
    "with TLS": kind(is_openai, TEXT, {"prompt": "a b c", **GREEDY}, server="tls"),
    "no key": kind(is_anthropic, MESSAGES, {"messages": USER, **GREEDY}, 401, server="keys"),
    "paused": kind(is_openai, TEXT, {"prompt": ["a b c", "d e", "f", "g h i"], "seed": 1, "max_tokens": 60, "ignore_eos": True},
                   server="small"),
}

TOOLS_TEMPLATE = (b"{% for m in messages %}[{{ m.role }}] {{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}"
                  b"{{ c.function.arguments | tojson }}{% endfor %}\n{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}> ")


def servers(folder, chat_model, sumi):
    """name: (model, options) of each server. folder: for their files."""
    from tiny_chat import with_template
    tools = folder / "tools.gguf"
    tools.write_bytes(with_template((TINY / "llama-linear.gguf").read_bytes(), TOOLS_TEMPLATE))
    hashed = subprocess.run([sumi, "serve", "--hash-key", "somebody"], input=KEY + "\n", capture_output=True, text=True,
                            check=True)
    keys = folder / "keys"
    keys.write_text(hashed.stdout)
    keys.chmod(0o600)
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
    return {
        "m": (chat_model, ["--allowed-host", "*"]),
        "tools": (str(tools), []),
        "encoder": (str(TINY / "bert.gguf"), ["--ctx", "128"]),
        "keys": (str(TINY / "llama-linear.gguf"), ["--api-key-file", str(keys), "--cors-origin", "https://a.example"]),
        "tls": (str(TINY / "llama-linear.gguf"), ["--tls-cert", cert, "--tls-key", key]),
        # Memory for two of four answers: the others are paused, and go on from the swap file.
        "small": (str(TINY / "llama-linear.gguf"), ["--ctx", "128", "--kv-memory", "96K", "--swap-memory", "1M",
                                                     "--swap-dir", str(folder)]),
    }
