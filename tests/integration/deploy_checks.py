"""deploy_checks.py - what test_deploy.sh asks of the files in deploy/.

usage: deploy_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import json, os, re, shutil, socket, subprocess, sys, tempfile

from served import MODEL, SUMI, TEXT, Server, check, finish

NAMES = re.compile(r"\b(?:vllm|sumi|http|process)[_:][a-z0-9_:]+")


def run(*command):
    r = subprocess.run(command, capture_output=True, text=True)
    return r.returncode == 0, r.stdout + r.stderr


def shown_names():
    s = Server()
    s.ask("POST", TEXT, {"prompt": "1, 2,", "max_tokens": 2})
    page = s.ask("GET", "/metrics")[1].decode()
    s.end()
    return {re.match(r"[a-zA-Z0-9_:]+", l)[0] for l in page.splitlines() if not l.startswith("#")}


def dashboard(shown):
    panels = json.load(open("deploy/grafana/sumi.json"))["panels"]
    rects = [(p["gridPos"], p["title"]) for p in panels]
    exprs = [t["expr"] for p in panels for t in p.get("targets", [])]
    check("the dashboard has panels", len(exprs) > 30)
    for e in exprs:
        names = set(NAMES.findall(e))
        check(f"{e}: shown by the server", names and names <= shown, names - shown)
    check("each panel has its id", len({p["id"] for p in panels}) == len(panels))
    for i, (a, title) in enumerate(rects):
        check(f"{title}: on the page", a["x"] + a["w"] <= 24)
        for b, other in rects[:i]:
            apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            check(f"{title} and {other} do not overlap", apart)


def rules(shown):
    text = "\n".join(l for l in open("deploy/prometheus/alerts.yml") if not l.lstrip().startswith("#"))
    recorded = set(re.findall(r"record: (\S+)", text))
    asked = set(NAMES.findall(text)) - recorded
    check("alerts ask for what the server shows", len(asked) > 8 and asked <= shown, asked - shown)
    check("what is recorded is used", all(text.count(r) > 1 for r in recorded), recorded)
    if not shutil.which("promtool"):
        print("skipped: promtool (of Debian's package prometheus) is not installed, so it does not read the rules")
        return
    folder = "deploy/prometheus/"
    for command in (("check", "rules", folder + "alerts.yml"), ("test", "rules", folder + "alerts_test.yml"),
                    ("check", "config", "--syntax-only", folder + "prometheus.yml")):
        ok, said = run("promtool", *command)
        check("promtool " + " ".join(command), ok, said)


def unit():
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is not installed, so systemd does not read the unit")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sumi.service")
        text = open("deploy/systemd/sumi.service").read()
        open(path, "w").write(text.replace("/usr/local/bin/sumi", os.path.abspath(SUMI)))
        ok, said = run("systemd-analyze", "verify", "--man=no", path)
        check("systemd reads the unit", ok and "sumi.service" not in said, said)
        ok, said = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", path)
        check("it has few rights", ok, said[-200:])
    options = re.search(r"^ExecStart=\S+ serve \S+ (.*) \$SUMI_OPTIONS$", text, re.M)[1].split()
    shown = run(SUMI, "serve", "--help")[1]
    check("its options are there", all(o in shown for o in options if o.startswith("--")), options)


def manager():
    """The server tells who started it that it is ready, and that it ends."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        for path in (os.path.join(folder, "notify"), f"\0sumi-test-{os.getpid()}"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(path)
                manager.settimeout(60)
                os.environ["NOTIFY_SOCKET"] = path.replace("\0", "@")
                s = Server()
                check("a manager hears that it is ready", manager.recv(100) == b"READY=1")
                s.end()
                check("and that it ends", manager.recv(100) == b"STOPPING=1")
        del os.environ["NOTIFY_SOCKET"]


def container():
    text = open("deploy/Dockerfile").read()
    final = text[text.rindex("\nFROM "):]
    needed = re.findall(r"\(NEEDED\).*\[(lib\w+)[-.\w]*?\.so", run("readelf", "-d", SUMI)[1])
    ours = [n for n in needed if n not in ("libc", "libm", "libasan", "libubsan", "libtsan", "libpthread")]
    check("libraries were found", len(ours) >= 5, needed)
    for library in ours:
        check(f"the container has {library}", re.search(rf"\b{library}\d?[-\d]*\b", final), final)
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.M)
    files = [f for line in copied for f in line.split()]
    check("what is copied is there", len(files) > 5 and all(os.path.exists(f) for f in files), files)
    ignored = open("deploy/Dockerfile.dockerignore").read().split()
    check("and reaches the builder", all("!" + f in ignored for f in files), files)
    check("it is not root", re.search(r"^USER [1-9]\d*$", final, re.M))
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", final, re.M)[1])
    shown = run(SUMI, "serve", "--help")[1]
    check("its options are there", all(o in shown for o in entry if o.startswith("--")), entry)
    script = json.loads(re.search(r"^    CMD (.*)$", final, re.M)[1])
    s = Server()
    ok, said = run(*(part.replace("8080", str(s.port)) for part in script))
    check("a healthy server passes the check", ok, said)
    s.end()
    ok, said = run(*(part.replace("8080", str(s.port)) for part in script))
    check("one that is gone does not", not ok, said)


names = shown_names()
dashboard(names)
rules(names)
unit()
manager()
container()
finish()
