"""pull_checks.py - `sumi pull`, `list` and `rm` as users call them: pull_checks.py SUMI SOURCE WORK. See test_pull.sh.

A failing check is named, and the rest goes on."""
import fcntl, hashlib, json, os, pathlib, pty, random, re, shutil, signal, subprocess, sys, time

sys.path.insert(0, os.path.dirname(__file__))
from hub_server import Hub

SUMI, SOURCE, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
HOME = pathlib.Path(os.environ["HOME"])
STORE = HOME / ".cache" / "sumi"
TINY = (SOURCE / "tests/golden/tiny/qwen2-tied.gguf").read_bytes()
VOCAB = (SOURCE / "tests/golden/gguf/vocab_only.gguf").read_bytes()
LARGE = b"GGUF" + random.Random(7).randbytes(3_000_000)
SHA = hashlib.sha256(LARGE).hexdigest()
QUICK = ["--retry-wait", "0", "--timeout", "5"]
failed = []


def check(what, condition, seen=""):
    if not condition:
        failed.append(what)
        print("FAILED:", what, str(seen)[:600], flush=True)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"code {self.code}\n--- out: {self.out}\n--- err: {self.err}"


def sumi(*args, env={}, stdin=None):
    r = subprocess.run([SUMI, *args], capture_output=True, text=True, env={**os.environ, **env}, input=stdin or "",
                       timeout=120, errors="replace")
    return Result(r.returncode, r.stdout, r.stderr)


def pull(*args, env={}):
    return sumi("pull", *QUICK, *args, env=env)


def works(what, r, path=None):
    check(f"{what}: works", r.code == 0 and r.out.strip() and (not path or r.out.strip() == str(path)), f"{path} {r}")
    check(f"{what}: leaves no part", not parts(), parts())


def refused(what, r, pattern, code=1):
    last = r.err.strip().splitlines()[-1] if r.err.strip() else ""
    check(f"{what}: refused", r.code == code and re.search(pattern, last) and r.out == "", f"{pattern!r} {r}")


def files():
    return sorted(str(p.relative_to(STORE)) for p in STORE.rglob("*") if p.is_file() and p.name != ".lock")


def parts():
    return [f for f in files() if ".part" in f]


def clear():
    shutil.rmtree(STORE, ignore_errors=True)


# ---- URLs ----

def urls(hub):
    url, path = hub.url + "/files/a.gguf", STORE / f"url/127.0.0.1_{hub.server.server_port}/files/a.gguf"
    hub.put("/files/a.gguf", LARGE)
    r = pull(url)
    works("a URL", r, path)
    check("its content is whole", path.read_bytes() == LARGE)
    check("the digest is told", SHA + " not checked" in r.err, r)
    n = len(hub.seen)
    works("a second pull", pull(url), path)
    check("asks nobody", len(hub.seen) == n)
    clear()
    works("a URL with --sha256", pull(url, "--sha256", SHA.upper()))
    clear()
    refused("a wrong --sha256", pull(url, "--sha256", "0" * 64), f"SHA-256 is {SHA}, not 0+: the download was deleted")
    check("nothing is kept of it", files() == [], files())
    hub.put("/files/a.gguf.sha256", f"{SHA}  a.gguf\n".encode())
    r = pull(url, "--check-sha256")
    works("a digest beside it", r)
    check("is checked", "SHA-256 checked" in r.err, r)
    clear()
    hub.put("/files/a.gguf.sha256", b"<html>")
    refused("no digest beside it", pull(url, "--check-sha256"), "does not begin with a SHA-256")
    hub.put("/page.gguf", b"<html>please log in</html>")
    refused("a page instead of a model", pull(hub.url + "/page.gguf"), "not a GGUF file: it was deleted")
    check("no page is kept", files() == [], files())
    refused("a URL of nothing", pull(hub.url + "/none.gguf"), r"/none.gguf: HTTP 404 \(not found\)")
    refused("no server there", pull("http://127.0.0.1:1/x.gguf", "--retries", "1"), "connect")
    refused("a URL without a file", pull(hub.url + "/"), "a URL is https://HOST/PATH/FILE.gguf")
    refused("a password in a URL", pull("http://me:secret@127.0.0.1/x.gguf"), "a URL is")
    refused("a deep URL", pull(hub.url + "/a" * 40 + "/x.gguf"), "too many folders")
    refused("a URL that climbs", pull(hub.url + "/../../x.gguf"), "has too many folders, is too long or has forbidden names")
    hub.put("/q/a.gguf?download=true", LARGE)
    works("a URL with a query", pull(hub.url + "/q/a.gguf?download=true"))
    for i, shard in enumerate(sorted((SOURCE / "tests/golden/gguf").glob("split-*.gguf"))):
        hub.put(f"/split/{shard.name}", shard.read_bytes())
    r = pull(hub.url + "/split/split-00002-of-00003.gguf")
    works("a split model by one of its URLs", r)
    check("opens at its first file", r.out.endswith("split-00001-of-00003.gguf\n"), r)
    check("all files come", "5 tensors" in sumi("info", r.out.strip()).out)
    clear()


def interruptions(hub):
    url, path = hub.url + "/files/b.gguf", STORE / f"url/127.0.0.1_{hub.server.server_port}/files/b.gguf"
    part = pathlib.Path(str(path) + ".part")

    def ranges():
        return [h.get("Range") for h in hub.requests("/files/b.gguf")]

    hub.put("/files/b.gguf", LARGE, cuts=[1_000_000, 500_000, 700_000])
    works("a connection that breaks three times", pull(url, "--sha256", SHA, "--retries", "1"), path)
    check("goes on where it was", ranges() == [None, "bytes=1000000-", "bytes=1500000-", "bytes=2200000-"], ranges())
    clear()
    hub.seen.clear()
    hub.put("/files/b.gguf", LARGE, cuts=[1_000_000] + [0] * 9)
    r = pull(url, "--retries", "2")
    refused("one that breaks for good", r, "/files/b.gguf: ")
    check("retries end when nothing more comes", len(ranges()) == 3, ranges())
    check("the part is kept, and not under the name", part.stat().st_size == 1_000_000 and not path.exists(), files())
    check("list says that it is not whole", "not whole" in sumi("list").out, sumi("list"))
    hub.seen.clear()
    hub.put("/files/b.gguf", LARGE)
    works("another pull", pull(url), path)
    last = hub.requests("/files/b.gguf")
    check("asks for the rest of the same file", [(h["Range"], h["If-Range"]) for h in last] ==
          [("bytes=1000000-", hub.answers["/files/b.gguf"].etag)], last)
    check("and it fits", path.read_bytes() == LARGE)
    for what, how in [("the file has changed", {}), ("the server ignores If-Range", {"if_range": False}),
                      ("the server knows no ranges", {"ranges": False}), ("the server has no ETag now", {"etag": None})]:
        clear()
        hub.put("/files/b.gguf", LARGE, cuts=[1_000_000, 0])
        pull(url, "--retries", "0")
        other = b"GGUF" + bytes(reversed(LARGE))
        hub.put("/files/b.gguf", other, **how)
        works(what, pull(url), path)
        check(what + ": all of the new file", path.read_bytes() == other)
    clear()
    for what, spoil in [("a part that lost bytes", lambda f: (f.seek(500_000), f.write(bytes(100_000)))),
                        ("a part that is longer than what came", lambda f: (f.seek(0, 2), f.write(bytes(500_000))))]:
        clear()
        hub.put("/files/b.gguf", LARGE, cuts=[1_000_000, 0])
        pull(url, "--retries", "0")
        with open(part, "r+b") as f:
            spoil(f)
        hub.put("/files/b.gguf", LARGE)
        works(what + ", of a file without a digest", pull(url), path)
        check(what + ": the file is right", path.read_bytes() == LARGE)
    clear()
    part.parent.mkdir(parents=True)
    victim = STORE / "victim"
    victim.write_bytes(b"mine")
    for name in (".json", ".json.new"):
        pathlib.Path(str(part) + name).symlink_to(victim)
    r = pull(url)
    check("links in the place of the state are not followed", r.code == 0 and victim.read_bytes() == b"mine", r)
    check("and the file is right", path.read_bytes() == LARGE)
    clear()
    part.parent.mkdir(parents=True)
    part.write_bytes(LARGE[:1000])
    os.mkfifo(str(part) + ".json")
    refused("a FIFO in the place of the state", pull(url), "b.gguf.part.json: is no regular file")
    clear()
    hub.put("/files/b.gguf", LARGE, cuts=[1_000_000, 0], etag=None)
    pull(url, "--retries", "0")
    hub.seen.clear()
    hub.put("/files/b.gguf", LARGE, etag=None)
    works("a part that nothing proves", pull(url), path)
    check("begins anew", ranges() == [None], ranges())
    clear()
    hub.put("/files/b.gguf", LARGE, cuts=[1_000_000, 0])
    pull(url, "--sha256", SHA, "--retries", "0")
    with open(part, "r+b") as f:
        f.seek(500_000), f.write(b"rot")
    hub.seen.clear()
    hub.put("/files/b.gguf", LARGE)
    works("a part that rotted", pull(url, "--sha256", SHA), path)
    check("is fetched once more from its start", ranges() == ["bytes=1000000-", None], ranges())
    check("and is right", path.read_bytes() == LARGE)
    clear()
    hub.put("/files/b.gguf", LARGE, cuts=[1_000_000, 0])
    pull(url, "--retries", "0")
    hub.put("/files/b.gguf", LARGE[:900_000])
    works("a file that became shorter than its part", pull(url), path)
    check("is the short one", path.read_bytes() == LARGE[:900_000])
    clear()


def troubles(hub):
    url = hub.url + "/files/c.gguf"
    hub.put("/files/c.gguf", LARGE, statuses=[500, 502, 503, 504, 429])
    r = pull(url)
    works("five passing failures", r)
    check("are told", r.err.count("trying again") == 5 and "HTTP 429" in r.err, r)
    clear()
    hub.put("/files/c.gguf", LARGE, statuses=[500] * 9)
    refused("a failure that stays", pull(url, "--retries", "2"), r"c.gguf: HTTP 500 \(server error\)")
    check("leaves no folder", not STORE.exists() or list(STORE.rglob("c.gguf*")) == [], files())
    hub.put("/files/c.gguf", LARGE, stall=True)
    began = time.time()
    refused("a server that says nothing more", sumi("pull", url, "--timeout", "1", "--retries", "0"), "(?i)too slow|timed? ?out")
    check("is not waited for", time.time() - began < 20)
    hub.put("/files/c.gguf", LARGE, headers={"Content-Length": "999999999999999"})
    refused("a file larger than the disk", pull(url, "--retries", "0"), "GiB more are needed, and .* GiB are free")
    hub.put("/loop.gguf", b"", redirect="/loop.gguf")
    refused("a redirect in a circle", pull(hub.url + "/loop.gguf"), "redirects")
    hub.put("/file.gguf", b"", redirect="file:///etc/passwd")
    refused("a redirect to a file", pull(hub.url + "/file.gguf"), "(?i)protocol")
    hub.put("/ftp.gguf", b"", redirect="ftp://127.0.0.1/x")
    refused("a redirect to another protocol", pull(hub.url + "/ftp.gguf"), "(?i)protocol")
    check("nothing of all that is kept", files() == [], files())
    hub.put("/files/c.gguf", LARGE)
    hub.put("/there.gguf", b"", redirect=hub.url + "/files/c.gguf")
    works("a redirect", pull(hub.url + "/there.gguf"))
    clear()


def tls(hub, secure):
    secure.put("/a.gguf", LARGE)
    trust = {"SSL_CERT_FILE": str(WORK / "cert.pem")}
    refused("a certificate that nobody trusts", pull(secure.url + "/a.gguf"), "(?i)certificate")
    works("one that is trusted", pull(secure.url + "/a.gguf", env=trust))
    clear()
    hub.put("/plain.gguf", LARGE)
    secure.put("/down.gguf", b"", redirect=hub.url + "/plain.gguf")
    refused("a redirect from https to http", pull(secure.url + "/down.gguf", env=trust), "(?i)protocol")
    hub.put("/up.gguf", b"", redirect=secure.url + "/a.gguf")
    works("a redirect from http to https", pull(hub.url + "/up.gguf", env=trust))
    clear()


# ---- Hugging Face ----

QUANTS = {"t-Q8_0.gguf": LARGE, "t-Q4_K_M.gguf": TINY, "t-Q4_K_S.gguf": VOCAB, "mmproj-t-Q4_K_M.gguf": b"GGUFx", "README.md": b"#"}


def hugging_face(hub):
    env = {"HF_ENDPOINT": hub.url + "/"}
    hub.repo("me/tiny", QUANTS, small=["README.md"], page=2)
    path = STORE / "hf/me/tiny/t-Q4_K_M.gguf"
    r = pull("hf:me/tiny", env=env)
    works("a repository", r, path)
    check("its Q4_K_M is taken, and nothing else", files() == ["hf/me/tiny/t-Q4_K_M.gguf"], files())
    check("it is checked", "SHA-256 checked" in r.err, r)
    for spelling in ["hf:me/tiny:q4_k_m", "hf.co/me/tiny:Q4_K_M", "hf://me/tiny:t-Q4_K_M.gguf",
                     "https://huggingface.co/me/tiny/blob/main/t-Q4_K_M.gguf", "https://hf.co/me/tiny"]:
        r = pull(spelling, env=env)
        works(spelling, r, path)
        check(spelling + ": is verified", "already here, digest checked" in r.err, r)
    works("a tag", pull("hf:me/tiny:Q8_0", "--endpoint", hub.url, env={"HF_ENDPOINT": "http://127.0.0.1:1"}))
    refused("a tag that is not there", pull("hf:me/tiny:Q3_K_M", env=env),
            "hf:me/tiny: there is no tag 'Q3_K_M'; there are Q8_0, Q4_K_M, Q4_K_S")
    refused("a tag in the middle of another", pull("hf:me/tiny:Q4_K", env=env), "there is no tag 'Q4_K'")
    refused("a file that is not there", pull("hf:me/tiny:x.gguf", env=env), "no file 'x.gguf'; there are t-Q8_0.gguf, t-Q4")
    refused("a repository that is not there", pull("hf:me/none", env=env), "is there a model me/none")
    r = pull("-n", "hf:me/tiny:Q8_0", env=env)
    check("--dry-run lists", r.code == 0 and re.search(r"t-Q8_0.gguf +2.9 MiB", r.out), r)
    told = json.loads(pull("-n", "hf:me/tiny:Q8_0", "--json", env=env).out)
    check("--dry-run --json", told == {"path": None, "files": [{"path": "t-Q8_0.gguf", "bytes": told["files"][0]["bytes"]}]}, told)
    told = json.loads(pull("hf:me/tiny", "--json", env=env).out)
    check("--json", told["path"] == str(path) and [f["bytes"] for f in told["files"]] == [len(TINY)], told)
    with open(path, "r+b") as f:
        f.seek(1000), f.write(b"rot")
    works("a file that rotted is fetched again", pull("hf:me/tiny", env=env), path)
    check("and is right", path.read_bytes() == TINY)
    check("names are found", all(sumi("info", n).code == 0 for n in ["hf:me/tiny:Q4_K_M", "hf:me/tiny", "me/tiny:Q4_K_M",
                                                                     "t-Q4_K_M", "tiny:q4_k_m"[:5] + "Q4_K_M"]))
    refused("two of one name", sumi("info", "tiny"), "2 models have this name: hf:me/tiny:Q4_K_M, hf:me/tiny:Q8_0")
    refused("a model that was not pulled", sumi("run", "hf:you/other:Q4_0", "-p", "x"),
            "hf:you/other:Q4_0 is not downloaded; run: sumi pull hf:you/other:Q4_0")
    clear()
    hub.repo("me/tiny", {"t.Q6_K.gguf": TINY}, revision="v1.0")
    works("a revision", pull("hf:me/tiny@v1.0", env=env), STORE / "hf/me/tiny@v1.0/t.Q6_K.gguf")
    check("is found", sumi("info", "hf:me/tiny@v1.0:Q6_K").code == 0)
    clear()
    hub.repo("me/split", {f"BF16/{p.name.replace('split', 's-BF16')}": p.read_bytes()
                          for p in (SOURCE / "tests/golden/gguf").glob("split-*.gguf")})
    r = pull("hf:me/split:BF16", env=env)
    works("a split variant", r, STORE / "hf/me/split/BF16/s-BF16-00001-of-00003.gguf")
    check("comes whole", len(files()) == 3 and "5 tensors" in sumi("info", "hf:me/split:BF16").out, files())
    hub.repo("me/lost", {"s-00001-of-00003.gguf": TINY, "s-00003-of-00003.gguf": TINY})
    refused("a split variant with a hole", pull("hf:me/lost", env=env), "only 2 of its 3 files")
    clear()
    folder = {"config.json": b"{}", "tokenizer.json": b"{ }", "model.safetensors": TINY, "consolidated.safetensors": LARGE,
              "pytorch_model.bin": LARGE, "1_Pooling/config.json": b"{\n}", "onnx/model.onnx": LARGE}
    hub.repo("me/folder", folder, small=["config.json", "tokenizer.json"])
    r = pull("hf:me/folder", env=env)
    works("a repository of safetensors", r, STORE / "hf/me/folder")
    check("comes without copies", files() == ["hf/me/folder/" + f for f in
                                              ["1_Pooling/config.json", "config.json", "model.safetensors", "tokenizer.json"]])
    check("git ids are checked", "config.json: 0.0 MiB, git id checked" in r.err, r)
    check("is listed", "hf:me/folder:safetensors" in sumi("list").out, sumi("list"))
    check("can be removed", sumi("rm", "-y", "hf:me/folder").code == 0 and files() == [], files())
    hub.repo("me/both", {"config.json": b"{}", "model.safetensors": TINY, "b-Q8_0.gguf": VOCAB})
    works("GGUF is preferred", pull("hf:me/both", env=env), STORE / "hf/me/both/b-Q8_0.gguf")
    works("safetensors are taken if named", pull("hf:me/both:safetensors", env=env), STORE / "hf/me/both")
    hub.repo("me/pickle", {"pytorch_model.bin": b"x", "config.json": b"{}"})
    refused("a repository of pickles", pull("hf:me/pickle", env=env), "only PyTorch pickles")
    clear()


def hostile_hub(hub):
    env = {"HF_ENDPOINT": hub.url}
    evil = ["../../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", ".hidden.gguf", "-rf.gguf", "a\\b.gguf", "a\x1b[2J.gguf",
            "a//b.gguf", "x" * 300 + ".gguf", "a/" * 20 + "b.gguf", "\u202egguf.exe.gguf", ""]
    entries = [{"type": "file", "path": p, "size": 4, "oid": "0" * 40} for p in evil]
    entries += [{"type": "file"}, {"path": 7}, 3, None, [], {"type": "directory", "path": "d.gguf"}]
    hub.repo("me/evil", {}, entries=entries)
    for tag in ["", ":evil.gguf", ":b.gguf"]:
        refused("hostile names" + tag, pull("hf:me/evil" + tag, env=env), "there are neither GGUF|there is no GGUF")
    refused("a name that climbs, asked for", pull("hf:me/evil:../../evil.gguf", env=env), "hf:OWNER/NAME", code=1)
    for what, body, pattern in [("no JSON", b"<html>", "not JSON"), ("no list", b"{}", "no JSON array"),
                                ("a deep list", b"[" * 100000, "not JSON"), ("nothing", b"", "not JSON")]:
        hub.put("/api/models/me/bad/tree/main?recursive=true", body)
        refused(what, pull("hf:me/bad", env=env), pattern)
    hub.put("/api/models/me/bad/tree/main?recursive=true", b"[" + b" " * (17 << 20) + b"]")
    refused("an endless list", pull("hf:me/bad", env=env), "larger than 16777216 bytes")
    next_page = "/api/models/me/bad/tree/main?recursive=true"
    hub.put(next_page, b"[]", headers={"Link": f'<{hub.url}{next_page}>; rel="next"'})
    refused("a list that never ends", pull("hf:me/bad", env=env), "more than 64 pages")
    hub.put(next_page, b"[]", headers={"Link": '<http://127.0.0.2/next>; rel="next"'})
    refused("a list that goes on elsewhere", pull("hf:me/bad", env=env), "another host")
    hub.repo("me/liar", {"l-Q4_0.gguf": LARGE})
    sha = hashlib.sha256(LARGE).hexdigest()
    for what, data, how, pattern in [
            ("other bytes than promised", b"GGUF" + bytes(len(LARGE) - 4), {}, "not " + sha + ": the download was deleted"),
            ("fewer bytes", LARGE[:-1], {}, "has 3000003 bytes, not 3000004"),
            ("more bytes", LARGE + b"x", {}, "has 3000005 bytes, not 3000004"),
            ("more bytes than it says", LARGE + b"x" * 100000, {"headers": {"Transfer-Encoding": "identity"}}, "bytes")]:
        hub.put(f"/cdn/{sha}", data, **how)
        refused(what, pull("hf:me/liar", "--retries", "0", env=env), pattern)
        check(what + ": nothing under the name", [f for f in files() if f.endswith(".gguf")] == [], files())
        clear()


def tokens(hub):
    other = Hub()
    hub.repo("me/gated", {"g-Q4_0.gguf": TINY}, token="hf_secret")
    sha = hashlib.sha256(TINY).hexdigest()
    hub.put("/me/gated/resolve/main/g-Q4_0.gguf", b"", redirect=f"{other.url}/cdn/{sha}", token="hf_secret")
    other.put(f"/cdn/{sha}", TINY)
    env = {"HF_ENDPOINT": hub.url}
    refused("a gated model", pull("hf:me/gated", env=env), "HTTP 401.*Access to this model is restricted.*HF_TOKEN or --token-file")
    refused("a wrong token", pull("hf:me/gated", env={**env, "HF_TOKEN": "x"}), "the given token has no access")
    works("a token", pull("hf:me/gated", env={**env, "HF_TOKEN": "hf_secret"}))
    check("is not sent to the file's host", [h.get("Authorization") for h in other.requests(f"/cdn/{sha}")] == [None])
    clear()
    (WORK / "token").write_text("hf_secret\n")
    works("a token from a file", pull("hf:me/gated", "--token-file", str(WORK / "token"), env=env))
    refused("a token over http", pull("hf:me/gated", "--endpoint", "http://hub.invalid", env={"HF_TOKEN": "hf_secret"}),
            "a token is not sent over plain http")
    refused("no token file", pull("hf:me/gated", "--token-file", str(WORK / "nope"), env=env), "nope: No such file")
    other.close()
    clear()


# ---- Ollama ----

def ollama(hub):
    env = {"OLLAMA_REGISTRY": hub.url}
    hub.model("library/tiny", "1b", [("model", TINY), ("license", b"free"), ("license", b"as in beer"), ("template", b"{{ .P }}"),
                                     ("params", b"{}"), ("projector", b"GGUFp")])
    path = STORE / "ollama/registry.ollama.ai/library/tiny/1b/model.gguf"
    r = pull("ollama:tiny:1b", env=env)
    works("a model of a registry", r, path)
    check("what is left out is told", "not downloaded, because sumi does not use it: projector" in r.err, r)
    check("with its texts", [f.rsplit("/")[-1] for f in files()] ==
          ["license-2.txt", "license.txt", "model.gguf", "params.json", "template.txt"], files())
    for name in ["ollama:tiny:1b", "tiny:1b", "tiny"]:
        check(name + " is found", sumi("info", name).code == 0, sumi("info", name))
    check("it runs", sumi("tokenize", "ollama:tiny:1b", stdin="a").code == 0)
    refused("another tag", pull("ollama:tiny", env=env), "is there a model library/tiny with the tag latest")
    hub.model("you/own", "latest", [("model", VOCAB)])
    works("a namespace", pull("ollama:you/own", env=env))
    port = hub.server.server_port
    works("another registry", pull(f"ollama:127.0.0.1:{port}/you/own", env=env),
          STORE / f"ollama/127.0.0.1_{port}/you/own/latest/model.gguf")
    check("list knows the names", [m["name"] for m in json.loads(sumi("list", "--json").out)] ==
          [f"ollama:127.0.0.1_{port}/you/own:latest", "ollama:tiny:1b", "ollama:you/own:latest"], sumi("list", "--json"))
    clear()
    hub.model("library/cut", "latest", [("model", LARGE)], cuts=[1_000_000])
    works("a layer that breaks off", pull("ollama:cut", env=env))
    clear()
    digest = "sha256:" + SHA
    hub.model("library/wrong", "latest", [("model", LARGE)])
    hub.put(f"/blobs/{digest}", b"GGUF" + bytes(len(LARGE) - 4))
    refused("a layer that is another", pull("ollama:wrong", env=env), "the download was deleted")
    check("is not there", files() == [], files())
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": len(LARGE)}
    for what, manifest, pattern in [
            ("no layers", {}, "no list of layers"), ("no model", {"layers": []}, "0 GGUF layers"),
            ("two models", {"layers": [layer, layer]}, "2 GGUF layers"),
            ("tensors", {"layers": [{**layer, "mediaType": "application/vnd.ollama.image.tensor"}]}, "there are tensor"),
            ("a digest that climbs", {"layers": [{**layer, "digest": "sha256:../../../../etc/passwd"}]}, "has no SHA-256"),
            ("a negative size", {"layers": [{**layer, "size": -1}]}, "or no size")]:
        hub.put("/v2/library/bad/manifests/latest", json.dumps(manifest).encode())
        refused(what, pull("ollama:bad", env=env), pattern)
    hub.put("/v2/library/bad/manifests/latest", b" " * (2 << 20))
    refused("an endless manifest", pull("ollama:bad", env=env), "larger than 1048576 bytes")
    refused("a name that climbs", pull("ollama:../../etc", env=env), "ollama:\\[NAMESPACE/\\]NAME")
    clear()


# ---- Two at once, Ctrl-C, the bar ----

def start(*args):
    return subprocess.Popen([SUMI, "pull", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(what, condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    check(what, False, "not within 30 seconds")


def signals(hub):
    url, path = hub.url + "/files/d.gguf", STORE / f"url/127.0.0.1_{hub.server.server_port}/files/d.gguf"
    part = pathlib.Path(str(path) + ".part")
    hub.put("/files/d.gguf", LARGE, cuts=[1_000_000])
    hub.answers["/files/d.gguf"].statuses = []
    p = start(url, "--retry-wait", "60", "--sha256", SHA)
    wait_for("a part comes", lambda: part.exists() and part.stat().st_size == 1_000_000)
    refused("a second pull at the same time", pull(url), "another sumi pull or sumi rm is using this folder")
    refused("rm at the same time", sumi("rm", "-y", "d"), "another sumi pull or sumi rm is using this folder")
    check("the part is still there", part.exists())
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    check("Ctrl-C ends it with 130", p.returncode == 130 and "the same command resumes the download" in err, (p.returncode, err))
    check("and the part stays", part.stat().st_size == 1_000_000 and not path.exists())
    hub.put("/files/d.gguf", LARGE, stall=True)
    p = start(url, "--sha256", SHA)
    wait_for("it asks again", lambda: len(hub.requests("/files/d.gguf")) >= 2)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    check("Ctrl-C ends waiting for the server", p.returncode == 130, (p.returncode, err))
    p = start(url, "--sha256", SHA)
    wait_for("it asks once more", lambda: len(hub.requests("/files/d.gguf")) >= 3)
    p.kill()
    p.communicate()
    hub.put("/files/d.gguf", LARGE)
    works("a killed one goes on", pull(url, "--sha256", SHA), path)
    check("from the part", hub.requests("/files/d.gguf")[-1]["Range"] == "bytes=1000000-")
    clear()
    check("no bar in a pipe", "\r" not in pull(url).err)
    clear()
    main, side = pty.openpty()
    r = subprocess.run([SUMI, "pull", url], stdout=subprocess.DEVNULL, stderr=side, timeout=60)
    os.close(side)
    check("a bar on a terminal", b"\r" in (shown := os.read(main, 65536)) and b"d.gguf [" in shown, shown)
    os.close(main)
    clear()


# ---- list and rm ----

def listing(hub):
    env = {"HF_ENDPOINT": hub.url}
    check("an empty store is no failure", (r := sumi("list")).code == 0 and r.out == "" and "no models" in r.err, r)
    check("nor in JSON", json.loads(sumi("list", "--json").out) == [])
    hub.repo("me/tiny", QUANTS)
    pull("hf:me/tiny:Q4_K_M", env=env), pull("hf:me/tiny:Q8_0", env=env)
    rows = {m["name"]: m for m in json.loads(sumi("list", "--json").out)}
    check("list names both", sorted(rows) == ["hf:me/tiny:Q4_K_M", "hf:me/tiny:Q8_0"], rows)
    q4 = rows["hf:me/tiny:Q4_K_M"]
    check("with what they are", q4["architecture"] == "qwen2" and q4["bytes"] == len(TINY) and q4["n_params"] > 1000 and
          q4["whole"] and os.path.samefile(q4["path"], STORE / "hf/me/tiny/t-Q4_K_M.gguf"), q4)
    check("a file that cannot be read is named", "error" in rows["hf:me/tiny:Q8_0"], rows)
    check("--names is for scripts", sumi("list", "--names").out == "hf:me/tiny:Q4_K_M\nhf:me/tiny:Q8_0\n")
    (WORK / "models").mkdir()
    (WORK / "models/mine.gguf").write_bytes(VOCAB)
    check("./models is listed too", "mine" in sumi("list", "--names").out.split())
    refused("rm of what is outside of the store", sumi("rm", "-y", "mine"), "models/mine.gguf: is outside of the store")
    refused("rm of a path", sumi("rm", "-y", "/etc/passwd"), "no model of this name")
    refused("rm without a terminal", sumi("rm", "tiny:Q4_K_M"), "give --yes")
    refused("rm of something unclear", sumi("rm", "-y", "tiny"), "2 models have this name")
    refused("rm of two, of which one is not there", sumi("rm", "-y", "tiny:Q4_K_M", "nothing"), "nothing: no model of this name")
    check("nothing was removed", len(files()) == 2, files())
    main, side = pty.openpty()
    os.write(main, b"n\n")
    r = subprocess.run([SUMI, "rm", "tiny:Q4_K_M"], stdin=side, capture_output=True, text=True, timeout=60)
    check("no means no", r.returncode == 1 and "[y/N]" in r.stderr and len(files()) == 2, r)
    os.write(main, b"y\n")
    r = subprocess.run([SUMI, "rm", "tiny:Q4_K_M", "hf:me/tiny:Q4_K_M"], stdin=side, capture_output=True, text=True, timeout=60)
    check("yes means yes", r.returncode == 0 and files() == ["hf/me/tiny/t-Q8_0.gguf"], (r, files()))
    os.close(main), os.close(side)
    outside = WORK / "outside"
    outside.mkdir()
    (outside / "x.gguf").write_bytes(VOCAB)
    (STORE / "hf/me/link").symlink_to(outside)
    refused("rm through a link", sumi("rm", "-y", "x"), "is outside of the store")
    check("it is still there", (outside / "x.gguf").exists())
    (STORE / "hf/me/link").unlink()
    check("rm -f of the last one leaves no folders", sumi("rm", "-f", "hf:me/tiny:Q8_0").code == 0 and
          [p.name for p in STORE.iterdir()] == [], list(STORE.rglob("*")))
    models = WORK / "elsewhere"
    works("SUMI_MODELS is the store", pull("hf:me/tiny", env={**env, "SUMI_MODELS": str(models)}), models / "hf/me/tiny/t-Q4_K_M.gguf")
    works("XDG_CACHE_HOME holds it", pull("hf:me/tiny", env={**env, "XDG_CACHE_HOME": str(WORK / "xdg")}),
          WORK / "xdg/sumi/hf/me/tiny/t-Q4_K_M.gguf")
    shutil.rmtree(WORK / "models")
    clear()


def main():
    hub, secure = Hub(), Hub(cert=(WORK / "cert.pem", WORK / "key.pem"))
    for part in (urls, interruptions, troubles, hugging_face, hostile_hub, tokens, ollama, signals, listing):
        began = time.time()
        part(hub)
        if "-v" in sys.argv:
            print(f"{part.__name__:15} {time.time() - began:.1f} s", flush=True)
    tls(hub, secure)
    hub.close(), secure.close()
    print(f"{len(failed)} checks failed" if failed else "pull, list and rm: all checks passed")
    sys.exit(len(failed) > 0)


main()
