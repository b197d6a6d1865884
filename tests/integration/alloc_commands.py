"""alloc_commands.py - the commands whose allocations alloc_checks.py lets fail: Command, and commands(work, url, hub)."""
import collections, hashlib, json, os, pathlib, struct

from hub_server import Hub
from tiny_chat import with_template

GOLDEN = (pathlib.Path(__file__).parent.parent / "golden").resolve()
TINY = GOLDEN / "tiny"
COMPUTE = ("-t", "2", "--isa", "ref")

Command = collections.namedtuple("Command", "args stdin numbers setup says keys env")


def command(*args, stdin="", numbers=False, setup=None, says="memory|thread", keys=None, env={}):
    """{} in args and env: the folder of the run. numbers: those of the output differ from run to run. setup(folder): fills it.
    says: what names the failure. keys: the command runs on a terminal, where this is typed."""
    return Command(args, stdin, numbers, setup, says, keys, env)


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def safetensors_of(name):
    """model.safetensors of a tiny model, from its GGUF file and golden/hf/NAME.delta; golden/hf_folder.py says how."""
    delta, gguf = (GOLDEN / f"hf/{name}.delta").read_bytes(), (TINY / f"{name}.gguf").read_bytes()
    out, at = bytearray(), 12
    while at < len(delta):
        op, a = delta[at], u32(delta, at + 1)
        at += 5
        if op == 0:
            out += delta[at:at + a]
            at += a
            continue
        assert op in (1, 2), "blocks are not decoded here"
        b = u32(delta, at)
        at += 4
        if op == 1:
            out += gguf[a:a + b]
            continue
        count, size = u32(delta, at), delta[at + 4]
        at += 5
        for i in range(count):
            out += gguf[a + i * b:a + i * b + size]
    assert len(out) == u32(delta, 8)
    return bytes(out)


def write_hf_folder(folder, name, vocabulary):
    folder.mkdir()
    (folder / "config.json").write_bytes((GOLDEN / f"hf/{name}.json").read_bytes())
    (folder / "tokenizer.json").write_bytes((GOLDEN / f"hf/tokenizer-{vocabulary}.json").read_bytes())
    (folder / "model.safetensors").write_bytes(safetensors_of(name))


def pulled(folder):
    """A model as `sumi pull URL` leaves it."""
    target = folder / "url/127.0.0.1/a.gguf"
    target.parent.mkdir(parents=True)
    target.write_bytes((TINY / "bloom.gguf").read_bytes())
    os.utime(target, (1e9, 1e9))


def with_history(folder):
    (folder / "sumi").mkdir()
    (folder / "sumi/history").write_text("_HiStOrY_V2_\nWhat\\040was\\040asked\\040before?\n")


def make_hub():
    """A server that has one model under a URL, in a repository of each form, and in Ollama's registry."""
    hub, model = Hub(), (TINY / "bloom.gguf").read_bytes()
    hub.put("/files/a.gguf", model)
    hub.put("/files/a.gguf.sha256", hashlib.sha256(model).hexdigest().encode())
    hub.repo("o/quants", {"m-Q8_0.gguf": model, "README.md": b"x"}, small=("README.md",))
    hub.repo("o/tensors", {"config.json": (GOLDEN / "hf/qwen3.json").read_bytes(),
                           "tokenizer.json": (GOLDEN / "hf/tokenizer-bytes.json").read_bytes(),
                           "model.safetensors": safetensors_of("qwen3")}, small=("config.json", "tokenizer.json"))
    hub.model("library/small", "latest", [("model", model), ("template", b"{{ .Prompt }}"), ("params", b'{"temperature": 0.5}')])
    return hub


CHAT_KEYS = ("Why?\n/set max-tokens 3\n/regen\n/stats\n/system Be brief.\n/save talk\n/clear\n/load talk\nSo?\n/help\n/nothing\n"
             "/exit\n")


def commands(work, url, hub):
    """Name: Command of each row. work: a folder for their inputs. url, hub: of a running server, and of a hub."""
    chat, folder, llama = str(work / "model.gguf"), str(work / "qwen3"), str(TINY / "llama-linear.gguf")
    bloom, bert = str(TINY / "bloom.gguf"), str(TINY / "bert.gguf")
    messages, text = str(work / "messages.json"), str(work / "text")
    (work / "model.gguf").write_bytes(with_template((TINY / "llama-linear.gguf").read_bytes()))  # opening it tries the template
    write_hf_folder(work / "qwen3", "qwen3", "bytes")
    (work / "messages.json").write_text(json.dumps([{"role": "system", "content": "Be brief."},
                                                    {"role": "user", "content": "Why “so”?"}]))
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    (work / "tools.json").write_text(json.dumps([tool]))
    (work / "template.jinja").write_text(
        "{% macro f(x) %}{{ x ~ 1 }}{% endmacro %}{% for m in messages %}{{ f(m.content | upper) }}{{ m | tojson }}\n{% endfor %}"
        "{{ namespace(a=[1, 2]).a | join('-') }}{{ bos_token }}{{ tools | tojson(indent=2) if tools }}")
    (work / "text").write_text("The quick brown fox jumps over the lazy dog. " * 20)
    pull = ("--retry-wait", "0", "--retries", "0")
    from_hub = dict(says="memory|thread|Could not resolve host|redirect target URL")  # libcurl's words for no memory
    bench = ("--prompt", "8", "--gen", "2", "--batch", "1,2", "--reps", "1", "--no-limits")
    template = ("template", "--template", str(work / "template.jinja"), "--messages", messages)
    serve = ("--requests", "3", "--prompt-len", "4", "--gen-len", "2", "--ctx", "64")
    return {
        "help": command("help"),
        "help run": command("run", "--help"),
        "version": command("--version"),
        "info": command("info", llama),
        "info --all": command("info", llama, "--all"),
        "info --json": command("info", bloom, "--json", "--all"),
        "info --json FOLDER": command("info", folder, "--json"),
        "info --key": command("info", chat, "--key", "tokenizer.chat_template"),
        "tokenize": command("tokenize", llama, stdin="Hello wörld,  12345 times!\n"),
        "tokenize --json": command("tokenize", bert, "--json", "--pieces", stdin="Hello wörld,  12345 times!\n"),
        "tokenize -f": command("tokenize", str(TINY / "gemma3.gguf"), "-f", text, "--no-special"),
        "tokenize FOLDER": command("tokenize", folder, stdin="Hello wörld,  12345 times!\n"),
        "detokenize": command("detokenize", llama, stdin="1 2 3 72 101"),
        "detokenize --no-special": command("detokenize", bert, "--no-special", stdin="1, 2, 3, 72"),
        "template": command("template", chat, "--messages", messages),
        "template --template": command(*template),
        "template --tools": command(*template, "--tools", str(work / "tools.json")),
        "template -": command(*template[:-1], "-", "--bos", "<s>", "--no-generation-prompt",
                              stdin='[{"role": "user", "content": [{"type": "text", "text": "a"}]}]'),
        "logits": command("logits", llama, "--ids", "1 2 3", "--out", "{}/x.npy", *COMPUTE),
        "logits -": command("logits", str(TINY / "gpt-oss.gguf"), "--ids", "-", "--out", "{}/x.npy", *COMPUTE, stdin="1 2 3"),
        "embed": command("embed", bert, *COMPUTE, stdin="hello world\nsecond line\n"),
        "embed --npy": command("embed", llama, text, "--npy", "{}/x.npy", "--truncate", *COMPUTE),
        "eval": command("eval", "perplexity", llama, "-f", text, "--ctx", "32", "--windows", "2", *COMPUTE, numbers=True),
        "eval --json": command("eval", "perplexity", bloom, "-f", "-", "--ctx", "16", "--json", *COMPUTE, numbers=True,
                               stdin="The quick brown fox jumps over the lazy dog."),
        "run": command("run", chat, "-p", "hello", "-n", "5", "--temp", "0", *COMPUTE),
        "run --system": command("run", chat, "-f", text, "--system", "Be brief.", "-n", "2", "--seed", "1", "--ctx", "2048", "--stats",
                                "--typical", "0.9", "--min-p", "0.01", *COMPUTE, numbers=True),
        "run --raw": command("run", llama, "--raw", "-p", "abc", "-n", "5", "--seed", "1", "--repeat-penalty", "1.1", "--stop", "zzz",
                             *COMPUTE),
        "run --json": command("run", chat, "-p", "hello", "-n", "3", "--temp", "0", "--json", "--logprobs", "2", *COMPUTE,
                              numbers=True),
        "run stdin": command("run", llama, "--raw", "-n", "3", "--temp", "0", *COMPUTE, stdin="some text"),
        "run experts": command("run", str(TINY / "deepseek2.gguf"), "--raw", "-p", "abc", "-n", "3", "--temp", "0", *COMPUTE),
        "run windows": command("run", str(TINY / "gemma3.gguf"), "--raw", "-p", "abc", "-n", "20", "--temp", "0", *COMPUTE),
        "run FOLDER": command("run", folder, "--raw", "-p", "abc", "-n", "3", "--temp", "0", *COMPUTE),
        "run, a chat": command("run", chat, "-n", "3", "--temp", "0", *COMPUTE, keys=CHAT_KEYS, numbers=True,
                               setup=with_history,
                               env={"XDG_STATE_HOME": "{}", "SUMI_FAIL_OWN": "1"}),  # libedit's own: it crashes
        "convert": command("convert", llama, "{}/out.gguf", "--type", "Q4_0", "-t", "2"),
        "convert --json": command("convert", llama, "{}/out.gguf", "--json", "-t", "1", numbers=True),
        "convert FOLDER": command("convert", folder, "{}/out.gguf", "-t", "2"),
        "convert --type Q4_K_M": command("convert", folder, "{}/out.gguf", "--type", "Q4_K_M", "-t", "2"),
        "bench": command("bench", llama, *bench, *COMPUTE, numbers=True),
        "bench --json": command("bench", llama, *bench, "--json", *COMPUTE, numbers=True),
        "bench serve": command("bench", "serve", llama, *serve, "--concurrency", "2", *COMPUTE, numbers=True),
        "bench serve --json": command("bench", "serve", llama, *serve, "--rate", "1000", "--shared-prefix", "2", "--json", *COMPUTE,
                                      numbers=True),
        "ps": command("ps", "--url", url, numbers=True, says="memory|thread|resolve host"),
        "ps --json": command("ps", "--url", url, "--json", numbers=True, says="memory|thread|resolve host"),
        "serve --hash-key": command("serve", "--hash-key", "somebody", stdin="a-key-of-more-than-16-bytes\n"),
        "list": command("list", setup=pulled),
        "list --json": command("list", "--json", setup=pulled),
        "list --names": command("list", "--names", setup=pulled),
        "rm": command("rm", "--yes", "a", setup=pulled),
        "pull": command("pull", hub + "/files/a.gguf", *pull, **from_hub),
        "pull --check-sha256": command("pull", hub + "/files/a.gguf", "--check-sha256", "--json", *pull, **from_hub),
        "pull, fetched before": command("pull", hub + "/files/a.gguf", *pull, setup=pulled, **from_hub),
        "pull --dry-run": command("pull", "hf:o/quants", "--endpoint", hub, "--dry-run", *pull, **from_hub),
        "pull hf:": command("pull", "hf:o/quants", "--endpoint", hub, *pull, **from_hub),
        "pull hf: folder": command("pull", "hf:o/tensors", "--endpoint", hub, *pull, **from_hub),
        "pull ollama:": command("pull", "ollama:small", "--endpoint", hub, *pull, **from_hub),
    }
