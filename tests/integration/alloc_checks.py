"""alloc_checks.py - each allocation of a command fails in turn: alone, and with all allocations after it.

Called as `alloc_checks.py SUMI_FAILING RUNS [NAME...]`. SUMI_FAILING is the program of tests/failing. RUNS: how many
allocations of each command fail, spread evenly; 0: all. A command must then do what it does without failures (exit code 0,
the same output and files), or end with exit code 1, one line on stderr that names memory or threads, and no file left."""
import collections, concurrent.futures, hashlib, json, os, pathlib, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from hub_server import Hub
from tiny_chat import with_template

FAILING, RUNS, ONLY = os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
SECONDS = 60  # which no command takes, not even under sanitizers
TINY = pathlib.Path("tests/golden/tiny").resolve()

work = pathlib.Path(tempfile.mkdtemp(prefix="sumi-alloc-"))
failed = 0
os.environ["LC_ALL"] = "C"  # for other locales the C library's setlocale() loses memory, which leak sanitizer tells


def complain(*what):
    global failed
    failed += 1
    if failed <= 40:
        print("FAILED:", *what, flush=True)


(work / "model.gguf").write_bytes(with_template((TINY / "llama-linear.gguf").read_bytes()))
(work / "messages.json").write_text(json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why “so”?"}]))
(work / "template.jinja").write_text("{% macro f(x) %}{{ x ~ 1 }}{% endmacro %}{% for m in messages %}{{ f(m.content | upper) }}{{ m | tojson }}\n"
                                     "{% endfor %}{{ namespace(a=[1, 2]).a | join('-') }}{{ bos_token }}")
(work / "text").write_text("The quick brown fox jumps over the lazy dog. " * 20)
CHAT = str(work / "model.gguf")  # whose opening tries the template: 2,800 allocations
MODEL = str(TINY / "llama-linear.gguf")
ENCODER = str(TINY / "bert.gguf")

Command = collections.namedtuple("Command", "args stdin numbers setup says")


def command(*args, stdin="", numbers=False, setup=None, says="memory|thread"):
    """numbers: those of the output differ from run to run. {} in args: the folder of the run. setup(folder): fills it. says:
    what names the fault."""
    return Command(args, stdin, numbers, setup, says)


def one_model(folder):
    target = folder / "url/127.0.0.1/a.gguf"
    target.parent.mkdir(parents=True)
    target.write_bytes((TINY / "bloom.gguf").read_bytes())
    os.utime(target, (1e9, 1e9))


hub = Hub()
hub.put("/files/a.gguf", (TINY / "bloom.gguf").read_bytes())

COMPUTE = ("-t", "2", "--isa", "ref")
COMMANDS = {
    "help": command("help"),
    "help run": command("run", "--help"),
    "version": command("--version"),
    "info": command("info", MODEL),
    "info --all": command("info", MODEL, "--all"),
    "info --json": command("info", str(TINY / "bloom.gguf"), "--json", "--all"),
    "info --key": command("info", CHAT, "--key", "tokenizer.chat_template"),
    "tokenize": command("tokenize", MODEL, stdin="Hello wörld,  12345 times!\n"),
    "detokenize": command("detokenize", MODEL, stdin="1 2 3 72 101"),
    "template": command("template", CHAT, "--messages", str(work / "messages.json")),
    "template --template": command("template", "--template", str(work / "template.jinja"), "--messages", str(work / "messages.json")),
    "logits": command("logits", MODEL, "--ids", "1 2 3", "--out", "{}/x.npy", *COMPUTE),
    "embed": command("embed", ENCODER, *COMPUTE, stdin="hello world\nsecond line\n"),
    "embed --npy": command("embed", MODEL, str(work / "text"), "--npy", "{}/x.npy", "--truncate", *COMPUTE),
    "eval": command("eval", "perplexity", MODEL, "-f", str(work / "text"), "--ctx", "32", "--windows", "2", *COMPUTE, numbers=True),
    "run": command("run", CHAT, "-p", "hello", "-n", "5", "--temp", "0", *COMPUTE),
    "run --raw": command("run", MODEL, "--raw", "-p", "abc", "-n", "5", "--seed", "1", "--repeat-penalty", "1.1", "--stop", "zzz", *COMPUTE),
    "run --json": command("run", CHAT, "-p", "hello", "-n", "3", "--temp", "0", "--json", "--logprobs", "2", *COMPUTE, numbers=True),
    "run stdin": command("run", MODEL, "--raw", "-n", "3", "--temp", "0", *COMPUTE, stdin="some text"),
    "run experts": command("run", str(TINY / "deepseek2.gguf"), "--raw", "-p", "abc", "-n", "3", "--temp", "0", *COMPUTE),
    "convert": command("convert", MODEL, "{}/out.gguf", "--type", "Q4_0", "-t", "2"),
    "convert --json": command("convert", MODEL, "{}/out.gguf", "--json", "-t", "1", numbers=True),
    "bench": command("bench", MODEL, "--prompt", "8", "--gen", "2", "--batch", "1,2", "--reps", "1", "--no-limits", *COMPUTE, numbers=True),
    "bench --json": command("bench", MODEL, "--prompt", "8", "--gen", "2", "--batch", "2", "--reps", "1", "--no-limits", "--json", *COMPUTE,
                            numbers=True),
    "bench serve": command("bench", "serve", MODEL, "--requests", "3", "--concurrency", "2", "--prompt-len", "4", "--gen-len", "2", "--ctx", "64",
                           "--json", *COMPUTE, numbers=True),
    "list": command("list", setup=one_model),
    "list --json": command("list", "--json", setup=one_model),
    "list --names": command("list", "--names", setup=one_model),
    "rm": command("rm", "--yes", "a", setup=one_model),
    "pull": command("pull", hub.url + "/files/a.gguf", "--retry-wait", "0", "--retries", "0",
                    says="memory|thread|Could not resolve host"),  # of libcurl, if the C library has no memory for an address
}


def contents(folder):
    """Without the parts of an unfinished download, from which the next one goes on."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file() and ".part" not in p.name and p.name != ".lock"}


Result = collections.namedtuple("Result", "code out err files before")


def run(c, env={}):
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    try:
        if c.setup:
            c.setup(folder)
        before = contents(folder)
        r = subprocess.run([FAILING] + [a.replace("{}", str(folder)) for a in c.args], input=c.stdin.encode(), capture_output=True,
                           timeout=SECONDS, cwd=folder, env={**os.environ, "SUMI_MODELS": str(folder), "HOME": str(folder),
                                                                 "NO_PROXY": "*", **env})
        out = r.stdout.decode(errors="replace").replace(str(folder), "{}")
        if c.numbers:
            out = re.sub(r"[ #-]+", " ", re.sub(r"-?\d[\d.]*(e[-+]?\d+)?", "#", out))
        return Result(r.returncode, out, r.stderr.decode(errors="replace").replace(str(folder), "{}"), contents(folder), before)
    except subprocess.TimeoutExpired:
        return Result("none: it hangs", "", "", {}, {})
    finally:
        shutil.rmtree(folder)


def added(right, err):
    """What err says beyond its first lines, which are said without failures, too."""
    n = 0
    while n < min(len(right), len(err)) and right[n] == err[n]:
        n += 1
    return err[err.rfind("\n", 0, n) + 1:]


def judge(c, right, r):
    """None: all is well."""
    if r.code == 0:
        if r.out != right.out:
            return "another output, and no error"
        if r.files != right.files:
            return f"other files, and no error: {sorted(r.files)}"
        return None if r.err == right.err else "exit code 0, but something else on stderr"
    if r.code != 1:
        return f"exit code {r.code}"
    if not re.fullmatch(rf"[^\n]*({c.says})[^\n]*\n", added(right.err, r.err)):
        return "not one line that names memory"
    if not right.out.startswith(r.out) and "no memory" not in r.out:
        return "another output"
    return None if r.files in (r.before, right.files) else f"files: {sorted(r.files)} after, {sorted(r.before)} before"


def fail_in_turn(name, c, pool):
    with tempfile.NamedTemporaryFile() as count:
        right = run(c, {"SUMI_COUNT_ALLOC": count.name})
        n = int(count.read() or 0)
    if right.code != 0 or n == 0:
        return complain(f"{name}: without failures: {right}")
    again = run(c)
    if judge(c, right, again):
        return complain(f"{name}: twice: {judge(c, right, again)}: {right} {again}")
    runs = [f"{i}{after}" for i in range(1, n + 1, max(1, n // RUNS) if RUNS else 1) for after in ("", "+")]
    told = 0
    for where, r in zip(runs, pool.map(lambda where: run(c, {"SUMI_FAIL_ALLOC": where}), runs)):
        why = judge(c, right, r)
        told += r.code == 1
        if why:
            complain(f"{name}: SUMI_FAIL_ALLOC={where} of {n}: {why}; out: ...{r.out[-100:]!r}; err: {r.err[-2000:]!r}")
    print(f"{name}: {n} allocations, {len(runs)} runs: {told} told, {len(runs) - told} borne", flush=True)


def main():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, c in COMMANDS.items():
            if not ONLY or name in ONLY:
                fail_in_turn(name, c, pool)


try:
    main()
finally:
    shutil.rmtree(work)
sys.exit(failed > 0)
