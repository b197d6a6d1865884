"""schemathesis_checks.py - requests that schemathesis makes of openapi.json, valid and not: no 5xx, nothing undocumented.

usage: schemathesis_checks.py SUMI MODEL [N]        N: examples of each operation and phase at most
A tiny model of random weights answers in no time; it gets a chat template, so that chats are answered too. The seed is
fixed: every run asks the same."""
import hashlib, os, struct, subprocess, sys, tempfile

from served import MODEL, Server, check, finish

WANTED = 2000
KEY = "schemathesis"
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth"]
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


def with_template(model, path):
    """A copy of a GGUF file with a chat template as the first of its metadata. Its length is padded to the alignment of
    the tensors, so what follows keeps its distance from them."""
    with open(model, "rb") as f:
        data = f.read()
    magic, version, n_tensors, n_fields = struct.unpack_from("<4sIQQ", data)
    name = b"tokenizer.chat_template"
    text = TEMPLATE.encode()
    text += b" " * (-(8 + len(name) + 4 + 8 + len(text)) % 32)
    field = struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(text)) + text
    with open(path, "wb") as f:
        f.write(struct.pack("<4sIQQ", magic, version, n_tensors, n_fields + 1) + field + data[24:])


def codes(s):
    """{status: answers}"""
    page = s.ask("GET", "/metrics", headers={"X-Api-Key": KEY})[1].decode()
    found = {}
    for line in page.splitlines():
        if line.startswith("http_requests_total{"):
            code = line.split('status="')[1].split('"')[0]
            found[code] = found.get(code, 0) + int(line.rsplit(" ", 1)[1])
    return found


with tempfile.TemporaryDirectory() as folder:
    model, keys = os.path.join(folder, "tiny.gguf"), os.path.join(folder, "keys")
    with_template(MODEL, model)
    with open(keys, "w") as f:
        f.write(f"{KEY} {hashlib.sha256(KEY.encode()).hexdigest()}\n")
    s = Server("--ctx", "64", "--api-key-file", keys, model=model)
    command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run", s.url + "/openapi.json",
               "--url", s.url, "-H", f"Authorization: Bearer {KEY}", "--seed", "1", "--checks", ",".join(CHECKS),
               "--phases", "examples,coverage,fuzzing", "-n", sys.argv[3] if len(sys.argv) > 3 else "40",
               "--continue-on-failure", "--no-shrink", "--warnings", "off", "--request-timeout", "120"]
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if ran.returncode != 0:
        print(ran.stdout[-20000:])
    check("schemathesis finds nothing", ran.returncode == 0, ran.returncode)
    seen = codes(s)
    print("answers by status:", dict(sorted(seen.items())))
    check(f"at least {WANTED} requests", sum(seen.values()) >= WANTED, seen)
    check("no 5xx", not any(code.startswith("5") for code in seen), seen)
    check("every request is over", s.ask("GET", "/ready")[0] == 200)
    s.end()
finish()
