"""memory_checks.py - allocations of a running server fail in turn, in each kind of request, and those of its start and end.

Called as `memory_checks.py SUMI_FAILING MODEL RUNS [KIND...]`. SUMI_FAILING is the program of tests/failing. RUNS: how many
allocations of each kind (memory_kinds.py) fail, spread evenly; 0: those of alloc_points.py, and every route must have a kind.
What then comes must be the answer that comes without failures, an error 500 or 503 in the form of the API, or, once a stream
has begun, an error event or a connection that ends early; never another answer with status 200, and never silence. A
connection may also be closed without an answer, if libmicrohttpd found no memory to wait for it: it then forgets the
connection for --idle-timeout. The same request right after must get the right answer."""
import http.client, json, mmap, os, pathlib, re, select, signal, ssl, subprocess, sys, tempfile, time

switches = tempfile.NamedTemporaryFile()
switches.write(bytes(24))
switches.flush()
os.environ["LC_ALL"] = "C"  # for other locales the C library's setlocale() loses memory, which leak sanitizer tells
os.environ["SUMI_FAIL_SWITCHES"] = switches.name
shared = memoryview(mmap.mmap(switches.fileno(), 24)).cast("q")

from alloc_points import FAULTS, Counter, Table, points
from memory_kinds import GREEDY, KEY, KINDS, TINY, servers
from served import MODEL, SUMI, Server, check, finish

RUNS, ONLY = int(sys.argv[3]), sys.argv[4:]
OWN_AFTER = 2  # see tests/failing/fail_alloc.h
SECONDS = 30  # which no request takes; a longer silence is one for ever
MAX_CLOSED = 8  # libmicrohttpd waits two or three times in a request
COUNTERS = {"/stats", "/slots", "/api/ps", "/health", "/ready"}  # whose numbers and times grow
CHANGES = re.compile(r'"(id|created|created_at|\w+_duration|item_id|request_id)": ?("[^"]*"|[\d.]+)')


def same(path, body):
    """An answer without what differs between two equal ones."""
    if path == "/metrics":
        return [line.rsplit(" ", 1)[0] for line in body.splitlines() if not line.startswith("http_requests_total")]
    return re.sub(r"[\d.:TZ+-]+", "#", body) if path in COUNTERS else CHANGES.sub("", body)


def connect(s):
    """s.tls: with TLS, whoever the server is."""
    if getattr(s, "tls", False):
        return http.client.HTTPSConnection("127.0.0.1", s.port, timeout=SECONDS, context=ssl._create_unverified_context())
    return http.client.HTTPConnection("127.0.0.1", s.port, timeout=SECONDS)


def ask(s, k, fails=0, and_after=0):
    """Status and text; status None: the connection ended before a status, -1: while the body came. fails: the number of the
    allocation that does, once the connection is there."""
    c, r = connect(s), None
    try:
        c.request("GET", "/health")
        c.getresponse().read()
        shared[0], shared[2], shared[1] = 0, and_after, fails
        data = k.body if k.body is None or isinstance(k.body, bytes) else json.dumps(k.body)
        c.request(k.method, k.path, data, {**({"Content-Type": "application/json"} if data else {}), **k.headers})
        r = c.getresponse()
        text = r.read().decode("latin-1" if k.headers.get("Accept-Encoding") else "utf-8")
        return r.status, text + ("" if r.status in (500, 503) else f"\n{sorted(r.headers.keys())}")
    except TimeoutError:
        return "silence", ""
    except http.client.IncompleteRead as e:
        return -1, e.partial.decode(errors="replace")
    except (ConnectionError, ssl.SSLError, http.client.HTTPException):
        return -1 if r else None, ""
    finally:
        shared[1] = 0
        c.close()


def judge(k, right, status, text):
    """What an answer is of RIGHT or FAULTS."""
    if status == right[0] and same(k.path, text) == same(k.path, right[1]):
        return "equal"
    if status in ("silence", None, -1):
        return {"silence": "hang", None: "closed", -1: "ended" if k.streams else "unclear"}[status]
    if status in (500, 503):
        try:
            return "refused" if k.method == "HEAD" or k.form(json.loads(text)) and "memory" in text else "unclear"
        except ValueError:
            return "unclear"
    return "refused" if k.streams and status == 200 and '"error"' in text and "memory" in text else "different"


def alive(s, what):
    if s.process.poll() is not None:
        sys.exit(f"FAILED: {what}: a crash: the server ended: {s.process.returncode}: {s.said()[-3000:]}")


def in_turn(n):
    """Numbers of allocations and how those after them fail."""
    return [(i, and_after) for i in points(n, RUNS) for and_after in (0, OWN_AFTER)]


def named(name, n, i, and_after):
    return f"{name}: allocation {i} of {n}{' and all of sumi after it' * (and_after > 0)}"


def fail_in_turn(table, s, name):
    k = KINDS[name]
    ask(s, k)  # fills the cache of prefixes, which some answers tell
    right = ask(s, k)
    check(f"{name}: an answer without failures", right[0] == k.status, right)
    again = ask(s, k)
    n = shared[0] + 2
    check(f"{name}: twice the same", same(k.path, again[1]) == same(k.path, right[1]), (right, again))
    came = Counter()
    for i, and_after in in_turn(n):
        what = named(name, n, i, and_after)
        status, text = ask(s, k, i, and_after)
        alive(s, what)
        result = judge(k, right, status, text)
        came[result] += 1
        check(f"{what}: the right answer, or one that tells", result not in FAULTS, (result, status, text))
        if result == "equal":
            continue
        status, text = ask(s, k)
        check(f"{what}: the next one is right", judge(k, right, status, text) == "equal", (status, text, right))
    check(f"{name}: few connections are closed without an answer", came["closed"] <= MAX_CLOSED, came)
    table.row(name, n, len(points(n, RUNS)), came)


def connect_in_turn(table, s):
    """Before a connection is known there is nobody to tell: it may be closed."""
    name = "connecting"

    def once(fails, and_after):
        c = connect(s)
        shared[0], shared[2], shared[1] = 0, and_after, fails
        try:
            c.request("GET", "/health")
            return {200: "equal", 500: "refused", 503: "refused"}.get(c.getresponse().status, "different")
        except TimeoutError:
            return "hang"
        except (OSError, http.client.HTTPException):
            return "closed"
        finally:
            shared[1] = 0
            c.close()

    check(f"{name}: one without failures", once(0, 0) == "equal")
    n, came = shared[0], Counter()
    for i, and_after in in_turn(n):
        what = named(name, n, i, and_after)
        result = once(i, and_after)
        alive(s, what)
        came[result] += 1
        check(f"{what}: it is closed, or answered", result not in FAULTS, result)
        check(f"{what}: the next one is answered", once(0, 0) == "equal")
    table.row(name, n, len(points(n, RUNS)), came)


def reload_in_turn(table, s):
    """On SIGHUP keys are read again, or a line says why the old ones stay, or that there is no memory for the line. In any
    case the key is known."""
    name, k = "reading keys again", KINDS["with a key"]

    def once(fails, and_after):
        def lines():
            return [line for line in s.said().splitlines() if "read again" in line or "a line of the log is lost" in line]
        before, until = len(lines()), time.monotonic() + SECONDS
        shared[0], shared[2], shared[1] = 0, and_after, fails
        s.process.send_signal(signal.SIGHUP)
        while len(lines()) == before and s.process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        shared[1] = 0
        if len(lines()) == before:
            return "hang"
        return "equal" if "were read again" in lines()[-1] else "refused" if "memory" in lines()[-1] else "unclear"

    check(f"{name}: without failures", once(0, 0) == "equal", s.said()[-300:])
    n, came = shared[0], Counter()
    ask(s, k)
    right = ask(s, k)
    for i, and_after in in_turn(n):
        what = named(name, n, i, and_after)
        result = once(i, and_after)
        alive(s, what)
        came[result] += 1
        check(f"{what}: it is told", result not in FAULTS, (result, s.said()[-300:]))
        status, text = ask(s, k)
        check(f"{what}: the key is known", judge(k, right, status, text) == "equal", (status, text))
    table.row(name, n, len(points(n, RUNS)), came)


def is_running(s):
    """Whether an answer is. The question may meet the failure: then it is refused, or the connection closed."""
    try:
        status, page, _ = s.ask("GET", "/metrics")
        return status == 200 and not re.search(rb"^vllm:num_requests_running\{[^}]*\} 0$", page, re.M)
    except (ConnectionError, http.client.HTTPException):
        return False


def leave_in_turn(table, s):
    """A client that leaves while its answer comes: the next one gets the right answer."""
    k = KINDS["chat stream"]
    long = k._replace(body={**k.body, "max_tokens": 100, "ignore_eos": True})
    ask(s, k)
    right, n, came = ask(s, k), ask(s, long) and shared[0], Counter()
    for i, and_after in in_turn(n):
        what = named("leaving", n, i, and_after)
        c = connect(s)
        shared[0], shared[2], shared[1] = 0, and_after, i
        try:
            c.request("POST", k.path, json.dumps(long.body), {"Content-Type": "application/json"})
            r = c.getresponse()
            r.read(1)
            r.close()
        except (ConnectionError, http.client.HTTPException):
            pass
        finally:
            c.close()
        while shared[0] < i and is_running(s):  # what is left of the answer may meet the failure now
            pass
        shared[1] = 0
        alive(s, what)
        status, text = ask(s, k)
        came["equal" if judge(k, right, status, text) == "equal" else "different"] += 1
        check(f"{what}: the next one is right", judge(k, right, status, text) == "equal", (status, text, right))
    table.row("leaving", n, len(points(n, RUNS)), came)


# ---- The start ----

START = ["--port", "0", "-t", "1", "--ctx", "64", "--model-name", "m", "--log-level", "error", "--isa", "ref"]


def start(options=(), fails=0, and_after=0, at_end=0):
    """Starts a server, asks it once and ends it: exit code, its answer, stderr, and how many allocations its start and its end
    took. at_end: the number of the allocation that fails after SIGTERM."""
    shared[0], shared[2], shared[1] = 0, and_after, fails
    p = subprocess.Popen([SUMI, "serve", str(TINY / "llama-linear.gguf"), *START, *options], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline() if select.select([p.stdout], [], [], SECONDS)[0] else "silence"
        answer = n = None
        for tries in range(100 * SECONDS if "http" in line else 0):
            if p.poll() is not None:
                break
            if tries == 20:  # without any memory it cannot tell that it is ready
                shared[1] = 0
            try:
                c = http.client.HTTPConnection("127.0.0.1", int(line.rsplit(":", 1)[1]), timeout=SECONDS)
                c.request("GET", "/ready")
                ready = c.getresponse().status == 200
                c.close()
            except (ConnectionError, http.client.HTTPException):
                ready = False
            if ready:
                n, shared[1] = shared[0], 0  # what is still to come of the start may fail no more
                c.request("POST", "/v1/completions", json.dumps({"prompt": "abc" * 12, **GREEDY}),
                          {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"})
                r = c.getresponse()
                answer = r.status, re.sub(r'"cached_tokens":\d+', "", CHANGES.sub("", r.read().decode()))
                c.close()
                shared[0], shared[1] = 0, at_end
                p.send_signal(signal.SIGTERM)
                break
            time.sleep(0.01)
        out, err = p.communicate(timeout=SECONDS)
        return p.returncode, answer, err, n, shared[0]
    except subprocess.TimeoutExpired:
        return "silence", None, "", None, None
    finally:
        shared[1] = 0
        p.kill()
        p.wait()


def judge_start(right, code, answer, err):
    if (code, answer, err) == right[:3]:
        return "equal"
    if code == "silence":
        return "hang"
    if code not in (0, 1):
        return "crash"
    if answer is not None and answer != right[1]:
        return "different"
    return "refused" if re.fullmatch(r"([^\n]*(memory|thread)[^\n]*\n)+", err) and (code == 1 or answer) else "unclear"


def fail_start_in_turn(table, name, options=()):
    right = start(options)
    check("a start without failures", right[0] == 0 and right[1] and right[1][0] == 200, right)
    n, came = right[3], Counter()
    for i, and_after in in_turn(n):
        code, answer, err, *_ = start(options, i, and_after)
        result = judge_start(right, code, answer, err)
        came[result] += 1
        well = result == "equal" or (result == "refused" and code == 1)
        check(f"{named(name, n, i, and_after)}: it serves, or says why not", well, (result, code, answer, err))
    table.row(name, n, len(points(n, RUNS)), came)


def fail_end_in_turn(table, folder):
    """A server that keeps its prefixes ends without memory: it says what it did not write, and the next one answers the same."""
    kept = folder / "kept"
    kept.mkdir()
    options = ["--prefix-cache", str(kept)]
    start(options)
    right = start(options)
    check("an end without failures", right[0] == 0 and list(kept.iterdir()), right)
    n, came = right[4], Counter()
    for i, and_after in in_turn(n):
        code, answer, err, *_ = start(options, at_end=i, and_after=and_after)
        result = judge_start(right, code, answer, err)
        came[result] += 1
        check(f"{named('end', n, i, and_after)}: it ends, and says what it did not write", result not in FAULTS,
              (result, code, answer, err))
    check("no part of a file is left behind", not [f for f in kept.iterdir() if "partial" in f.name], list(kept.iterdir()))
    table.row("end", n, len(points(n, RUNS)), came)


def check_routes():
    source = pathlib.Path("src/server/http/route.c").read_text()
    routes = re.findall(r'\{ "(GET|POST)", "([^"]+)"', source)
    asked = {(k.method, k.path) for k in KINDS.values()}
    for method, path in routes:
        there = any(m == method and (p == path or (path.endswith("*") and p.startswith(path[:-1]))) for m, p in asked)
        check(f"{method} {path} is asked", there)
    check("there are routes", len(routes) > 20, routes)


def main():
    table, wanted = Table(of_server=True), lambda name: not ONLY or name in ONLY
    if not ONLY:
        check_routes()
    with tempfile.TemporaryDirectory(prefix="sumi-server-") as path:
        folder = pathlib.Path(path)
        there = servers(folder, MODEL, SUMI)
        (folder / "prefixes").mkdir()
        keys = ["--api-key-file", str(folder / "keys"), "--log-file", str(folder / "log"),
                "--prefix-cache", str(folder / "prefixes")]
        if wanted("start"):
            fail_start_in_turn(table, "start")
        if wanted("start, options"):
            fail_start_in_turn(table, "start, options", keys)
        if wanted("end"):
            fail_end_in_turn(table, folder)
        for server, (model, options) in there.items():
            own = {"m": ("connecting", "leaving"), "keys": ("reading keys again",)}.get(server, ())
            kinds = [name for name, k in KINDS.items() if k.server == server and wanted(name)]
            if not kinds and not any(map(wanted, own)):
                continue
            if server == "tls":
                os.environ["SUMI_FAIL_OWN"] = "1"  # GnuTLS computes with GMP, which ends the program if it has no memory
            s = Server("--model-name", "m", "--log-level", "info" if server == "keys" else "error",
                       "--idle-timeout", "2", *options, model=model)
            os.environ.pop("SUMI_FAIL_OWN", None)
            s.tls = server == "tls"
            if server == "m" and wanted("connecting"):
                connect_in_turn(table, s)
            for name in kinds:
                fail_in_turn(table, s, name)
            if server == "m" and wanted("leaving"):
                leave_in_turn(table, s)
            if server == "keys" and wanted("reading keys again"):
                reload_in_turn(table, s)
            if server == "small":
                check("answers were paused", s.metric("vllm:num_preemptions_total{") > 0)
            s.end(silent=False)
    table.end()


main()
finish()
