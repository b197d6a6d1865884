"""encoder_checks.py - what test_encoder.sh asks of a running `sumi serve` with an encoder.

usage: encoder_checks.py SUMI MODEL FOLDER       FOLDER: lines, and what `sumi embed` made of them as usual and by cls"""
import json, sys

from served import CHAT, TEXT, Server, check, finish

lines = open(f"{sys.argv[3]}/lines").read().splitlines()
usual, cls = ([json.loads(line) for line in open(f"{sys.argv[3]}/{name}")] for name in ("usual", "cls"))


def vectors(answer):
    return [d["embedding"] for d in answer["data"]]


server = Server("--ctx", "128")
status, answer, _ = server.ask("POST", "/v1/embeddings", {"input": lines})
check("vectors are those of the program", status == 200 and vectors(answer) == [x["embedding"] for x in usual], answer)
check("tokens are counted", answer["usage"]["prompt_tokens"] == sum(x["tokens"] for x in usual), answer["usage"])
check("by the first token", vectors(server.ask("POST", "/v1/embeddings", {"input": lines, "pooling": "cls"})[1]) ==
      [x["embedding"] for x in cls])
check("Ollama's way", server.ask("POST", "/api/embed", {"input": lines})[1]["embeddings"] == [x["embedding"] for x in usual])
status, answer, _ = server.ask("POST", "/v1/embeddings", {"input": "a " * 200})
check("a text that is too long", status == 400 and answer["error"]["code"] == "context_length_exceeded", answer)
check("or is cut", server.ask("POST", "/api/embed", {"input": "a " * 200})[1]["prompt_eval_count"] == 128)

messages = {"messages": [{"role": "user", "content": "hello"}]}
for path, body in ((CHAT, messages), (TEXT, {"prompt": "hello"}), ("/v1/responses", {"input": "hello"})):
    status, answer, _ = server.ask("POST", path, body)
    error = answer["error"]
    check(f"{path} is refused", status == 400 and error["code"] == "unsupported_value" and error["param"] == "model" and
          "is an encoder" in error["message"] and "/v1/embeddings" in error["message"], answer)
for path, body in (("/v1/messages", {"max_tokens": 5, **messages}), ("/api/chat", messages), ("/api/generate", {"prompt": "a"})):
    status, answer, _ = server.ask("POST", path, body)
    check(f"{path} is refused", status == 400 and "is an encoder" in json.dumps(answer), answer)
check("what it can", server.ask("POST", "/api/show", {})[1]["capabilities"] == ["embedding"])
server.end()

other = Server("--ctx", "128", "--pooling", "cls")
check("the server's pooling", vectors(other.ask("POST", "/v1/embeddings", {"input": lines})[1]) == [x["embedding"] for x in cls])
other.end()
finish()
