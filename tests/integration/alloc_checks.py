"""alloc_checks.py - each allocation of a command fails in turn: alone, and with all allocations after it.

Called as `alloc_checks.py SUMI_FAILING RUNS [NAME...]`. SUMI_FAILING is the program of tests/failing. RUNS: how many
allocations of each command fail, spread evenly; 0: those of alloc_points.py, and every command must have a row. A command must
then do what it does without failures (exit code 0, the same output and files), or end with exit code 1, one line on stderr
that names memory or threads, and no file left. SUMI_ALLOC_JOBS: how many run at the same time (the number of processors)."""
import collections, concurrent.futures, hashlib, os, pathlib, pty, re, select, shutil, subprocess, sys, tempfile, termios

sys.path.insert(0, os.path.dirname(__file__))
from alloc_commands import COMPUTE, TINY, commands, make_hub
from alloc_points import Counter, Table, points

FAILING, RUNS, ONLY = os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
JOBS = int(os.environ.get("SUMI_ALLOC_JOBS", os.cpu_count()))
SECONDS = 60  # which no command takes, not even under sanitizers

work = pathlib.Path(tempfile.mkdtemp(prefix="sumi-alloc-"))
failed = 0
# libcrypto loses memory if it has none while libcurl starts; libedit copies the names of functions that are added to it, and
# never frees them.
(work / "leaks").write_text("leak:libcrypto\nleak:wcsdup\n")
os.environ["LSAN_OPTIONS"] = f"suppressions={work / 'leaks'}:print_suppressions=0"
os.environ["LC_ALL"] = "C"  # for other locales the C library's setlocale() loses memory, which leak sanitizer tells


def complain(*what):
    global failed
    failed += 1
    if failed <= 40:
        print("FAILED:", *what, flush=True)


def contents(folder):
    """Without the parts of an unfinished download, from which the next one goes on."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*") if p.is_file() and ".part" not in p.name and p.name != ".lock"}


PROMPT = re.compile(rb"> $")


def on_terminal(args, keys, **how):
    """As subprocess.run(); the standard input and output of the command are a terminal. At each prompt a line of keys is
    typed, and after the last one Ctrl-D."""
    ours, its = pty.openpty()
    typed, out = [*keys.splitlines(True), b"\x04"], b""
    modes = termios.tcgetattr(its)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(its, termios.TCSANOW, modes)
    with tempfile.TemporaryFile() as err:
        p = subprocess.Popen(args, stdin=its, stdout=its, stderr=err, **how)
        os.close(its)
        while select.select([ours], [], [], SECONDS)[0]:
            try:
                out += os.read(ours, 65536)
            except OSError:  # it has ended
                break
            if PROMPT.search(out) and typed:
                os.write(ours, typed.pop(0))
        else:
            p.kill()
        os.close(ours)
        code = p.wait()
        err.seek(0)
        # libedit shows a line again if it comes faster than it can be drawn.
        out = re.sub(rb"([^\r\n]+)\r\n\1\r\n", rb"\1\r\n", out.replace(b"> ", b"> \r\n"))
        return subprocess.CompletedProcess(args, code if code != -9 else "none: it hangs", out, err.read())


TELLS_FAILURES = "requests have failed"


def without_numbers(text):
    """Nor charts of numbers, and lists of them may have any length. Of `bench serve` stays whether requests have failed."""
    if re.search(r'"failed": [1-9]|, [1-9]\d* failed', text):
        return TELLS_FAILURES
    text = re.sub(r"[ #▁-█-]+", " ", re.sub(r"-?\d[\d.]*(e[-+]?\d+)?", "#", text))
    return re.sub(r"\[[\s,]*\]", "[]", re.sub(r"( ?,\s*)+", ",", text))


Result = collections.namedtuple("Result", "code out err files before")


def run(c, env={}):
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    try:
        if c.setup:
            c.setup(folder)
        before = contents(folder)
        here = lambda text: text.replace("{}", str(folder))
        args = [FAILING] + [here(a) for a in c.args]
        how = dict(cwd=folder, env={**os.environ, "SUMI_MODELS": str(folder), "HOME": str(folder), "NO_PROXY": "*",
                                    "TERM": "dumb", **{k: here(v) for k, v in c.env.items()}, **env})
        if c.keys:
            r = on_terminal(args, here(c.keys).encode(), **how)
        else:
            r = subprocess.run(args, input=c.stdin.encode(), capture_output=True, timeout=SECONDS, **how)
        out, err = (text.decode(errors="replace").replace(str(folder), "{}") for text in (r.stdout, r.stderr))
        if c.numbers:
            out, err = without_numbers(out), without_numbers(err)
        return Result(r.returncode, out, err, contents(folder), before)
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
    """What it is of RIGHT or FAULTS, and why it is a fault."""
    if r.code == "none: it hangs":
        return "hang", r.code
    if r.code == 0:
        if c.keys and re.search(c.says, r.err):
            return "refused", ""  # a chat goes on after a line that says what it could not do
        if r.out == TELLS_FAILURES:
            return "refused", ""  # `bench serve` counts them, and their answers, in its report
        if r.out != right.out:
            return "different", f"another output, and no error, from here on: {r.out[len(os.path.commonprefix([right.out, r.out])):][:100]!r}"
        if r.files != right.files:
            return "different", f"other files, and no error: {sorted(r.files)}"
        return ("equal", "") if r.err == right.err else ("unclear", "exit code 0, but something else on stderr")
    if r.code != 1:
        return "crash", f"exit code {r.code}"
    if not re.fullmatch(rf"[^\n]*({c.says})[^\n]*\n", added(right.err, r.err)):
        return "unclear", "not one line that names memory"
    if not right.out.startswith(r.out) and "no memory" not in r.out:
        return "different", "another output"
    if r.files not in (r.before, right.files):
        return "unclear", f"files: {sorted(r.files)} after, {sorted(r.before)} before"
    return "refused", ""


def fail_in_turn(table, name, c, pool):
    with tempfile.NamedTemporaryFile() as count:
        right = run(c, {"SUMI_COUNT_ALLOC": count.name})
        n = int(count.read() or 0)
    if right.code != 0 or n == 0:
        return complain(f"{name}: without failures: {right}")
    again = run(c)
    if judge(c, right, again)[0] != "equal":
        return complain(f"{name}: twice: {judge(c, right, again)}: {right} {again}")
    failing = points(n, RUNS)
    runs = [f"{i}{after}" for i in failing for after in ("", "+")]
    came = Counter()
    for where, r in zip(runs, pool.map(lambda where: run(c, {"SUMI_FAIL_ALLOC": where}), runs)):
        what, why = judge(c, right, r)
        came[what] += 1
        if why:
            complain(f"{name}: SUMI_FAIL_ALLOC={where} of {n}: {why}; out: ...{r.out[-100:]!r}; err: {r.err[-2000:]!r}")
    table.row(name, n, len(failing), came)


def check_all_commands(there):
    """Every command that `sumi help` lists has a row; serve has a script of its own, memory_checks.py."""
    listed = subprocess.run([FAILING, "help"], capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  ([a-z]+) ", listed.split("Commands:")[1].split("MODEL is")[0], re.M)) - {"serve"}
    named = {c.args[0] for c in there.values()}
    if len(listed) < 10 or listed - named:
        complain(f"commands without a row: {sorted(listed - named)} of {sorted(listed)}")


def start_server():
    """For `sumi ps`. Its allocations do not fail."""
    p = subprocess.Popen([FAILING, "serve", str(TINY / "llama-linear.gguf"), "--port", "0", "--ctx", "64", "--model-name", "m",
                          "--log-level", "error", *COMPUTE], stdout=subprocess.PIPE, text=True)
    line = p.stdout.readline()
    if "http" not in line:
        sys.exit(f"FAILED: no server: {line}")
    return p, "http://127.0.0.1:" + line.rsplit(":", 1)[1].strip()


def main():
    hub = make_hub()
    server, url = start_server()
    try:
        there = commands(work, url, hub.url)
        if unknown := set(ONLY) - set(there):
            sys.exit(f"FAILED: there are no rows {sorted(unknown)}")
        check_all_commands(there)
        table = Table(of_server=False)
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for name, c in there.items():
                if not ONLY or name in ONLY:
                    fail_in_turn(table, name, c, pool)
        table.end()
    finally:
        server.terminate()
        server.wait()
        hub.close()


try:
    main()
finally:
    shutil.rmtree(work)
sys.exit(failed > 0)
