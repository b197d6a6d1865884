"""docs_checks.py - what the documentation says is so: quickstart.md runs as printed, options of migration.md exist, links lead somewhere.

usage: docs_checks.py SUMI MODEL     The hub that quickstart.md fetches from is an imitation that has MODEL."""
import glob, os, re, socket, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, HERE)
from hub_server import Hub

SUMI, MODEL = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
failed = []


def check(what, condition, seen=""):
    if not condition:
        failed.append(what)
        print("FAILED:", what, str(seen)[-800:], flush=True)


def read(name):
    with open(os.path.join(ROOT, name)) as f:
        return f.read()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(script, port, environment, folder):
    p = subprocess.Popen(["bash", "-ec", "exec " + script.strip()], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while time.monotonic() < end and p.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10)
            return p
        except OSError:
            time.sleep(0.05)
    check(f"it serves: {script}", False, p.poll())
    return p


def stop(server):
    if server:
        server.terminate()
        error = server.communicate(timeout=120)[1]
        check("the server ends well", server.returncode == 0, error)


def quickstart():
    """Blocks that begin with ```sh run one after the other in one folder; "background" ones are servers."""
    hub, server = Hub(), None
    with open(MODEL, "rb") as f:
        hub.repo("bartowski/SmolLM2-135M-Instruct-GGUF", {"SmolLM2-135M-Instruct-Q4_K_M.gguf": f.read()})
    blocks = re.findall(r"^```sh( background)?\n(.*?)^```", read("docs/quickstart.md"), re.M | re.S)
    check("there are blocks", len(blocks) > 10, blocks)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(SUMI, os.path.join(folder, "sumi"))
        environment = {**os.environ, "PATH": folder + ":" + os.environ["PATH"], "HF_ENDPOINT": hub.url, "HOME": folder,
                       "XDG_CACHE_HOME": os.path.join(folder, "cache")}
        environment.pop("SUMI_MODELS", None)
        for background, script in blocks:
            if background:
                stop(server)
                port = free_port()
                server = start(script.replace("8080", str(port)).replace("0.0.0.0", "127.0.0.1"), port, environment, folder)
                continue
            if server:
                script = script.replace("8080", str(port))
            script = script.replace("curl ", "curl -sS --fail ")
            ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=600)
            check("it runs as printed: " + script.strip().replace("\n", "; "), ran.returncode == 0 and (ran.stdout or ">" in script),
                  (ran.returncode, ran.stdout, ran.stderr))
        stop(server)


def help_of(command):
    return subprocess.run([SUMI, *command.split(), "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "COLUMNS": "200"}).stdout


def migration():
    """The column "sumi" of each table has options of `sumi serve` or `sumi run`, and commands that have a help."""
    text = read("docs/migration.md")
    for title, command in (("Options of a server", "serve"), ("Options of an answer", "run")):
        part, known = text.split("## " + title)[1].split("\n## ")[0], help_of(command)
        options = [o for row in re.findall(r"^\|(.*)\|$", part, re.M) for o in re.findall(r"`(--[a-z-]+)`", row.split("|")[3])]
        check(f"{title}: there are some", len(options) > 9, options)
        for o in options:
            check(f"sumi {command} has {o}", re.search(r"(^|\s)" + o + r"\b", known), known)
    commands = [c for row in re.findall(r"^\|(.*)\|$", text.split("## Commands")[1].split("\n## ")[0], re.M)
                for c in re.findall(r"`sumi ([a-z]+)", row.split("|")[3])]
    for c in sorted(set(commands)):
        check(f"sumi {c} is there", f"sumi {c}" in help_of(c), c)


def hardware():
    """The table of keys and values follows from its own columns."""
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \| (\d+) MiB \|$", read("docs/hardware.md"), re.M)
    check("there are rows", len(rows) > 5, rows)
    for layers, heads, dimension, kib, mib in rows:
        bytes_ = 2 * int(layers) * int(heads) * int(dimension) * 2
        check("bytes of a token", bytes_ / 1024 == float(kib) and bytes_ * 4096 / 2**20 == int(mib), (layers, heads, dimension))


def links():
    """Links to files of the repository, and to headings in them."""
    files = [f for pattern in ("*.md", "docs/*.md", "deploy/**/*.md", "src/**/*.md", "tests/**/*.md", "bench/**/*.md", "examples/*.md", "scripts/*.md")
             for f in glob.glob(pattern, root_dir=ROOT, recursive=True) if "/.work/" not in f]
    check("there are pages", len(files) > 30, files)
    for name in files:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", read(name))):
            path, _, anchor = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            there = os.path.normpath(os.path.join(ROOT, os.path.dirname(name), path)) if path else os.path.join(ROOT, name)
            check(f"{name}: {target} is there", os.path.exists(there), there)
            if anchor and there.endswith(".md") and os.path.exists(there):
                with open(there) as f:
                    headings = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", f.read(), re.M)]
                check(f"{name}: {target} has its heading", anchor in headings, headings)


quickstart()
migration()
hardware()
links()
sys.exit(len(failed) > 0)
