"""docs_checks.py - what the documentation says is so: quickstart.md runs as printed, options of migration.md exist, links lead
somewhere, files and functions that are named are there, tables name every family, type and path.

usage: docs_checks.py SUMI MODEL     The hub that quickstart.md fetches from is an imitation that has MODEL."""
import fnmatch, glob, os, re, socket, subprocess, sys, tempfile, time, urllib.request

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


def manual():
    """sumi.1 has each option of each command."""
    text = read("docs/sumi.1")
    commands = sorted(set(re.findall(r"^  ([a-z]+)  ", help_of(""), re.M))) + ["bench serve"]
    check("the commands were found", len(commands) > 14, commands)
    for command in commands:
        options = re.findall(r"^ +(?:-[a-z], )*--([a-z0-9-]+)", help_of(command), re.M)
        check(f"sumi {command} has options", len(options) > 0, options)
        for o in options:
            check(f"sumi.1 has --{o} of sumi {command}", re.search(rf"^\..*[ ,|]-{o}( |$)", text, re.M))


def hardware():
    """The table of keys and values follows from its own columns."""
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \| (\d+) MiB \|$", read("docs/hardware.md"), re.M)
    check("there are rows", len(rows) > 5, rows)
    for layers, heads, dimension, kib, mib in rows:
        bytes_ = 2 * int(layers) * int(heads) * int(dimension) * 2
        check("bytes of a token", bytes_ / 1024 == float(kib) and bytes_ * 4096 / 2**20 == int(mib), (layers, heads, dimension))


def pages():
    """Every page of the repository, by its path there."""
    files = [f for pattern in ("*.md", "docs/*.md", "deploy/**/*.md", "src/**/*.md", "tests/**/*.md", "bench/**/*.md", "examples/*.md", "scripts/*.md")
             for f in glob.glob(pattern, root_dir=ROOT, recursive=True) if "/.work/" not in f]
    check("there are pages", len(files) > 30, files)
    return files


def links():
    """Links to files of the repository, and to headings in them."""
    for name in pages():
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


def repository():
    """Paths of the files of the repository, those that git does not know yet included."""
    names = []
    for folder in ("src", "include", "tests", "bench", "docs", "examples", "scripts", "cmake", "deploy"):
        for at, folders, files in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [f for f in folders if f != ".work"]
            names += [os.path.relpath(os.path.join(at, f), ROOT) for f in files]
    return names


def without_braces(name):
    """src/{a,b}.c -> src/a.c, src/b.c"""
    part = re.search(r"\{([^{}]*)\}", name)
    return [n for word in part[1].split(",") for n in without_braces(name[:part.start()] + word + name[part.end():])] if part else [name]


def names():
    """A file that a page names between backticks is there, by its path or by the end of it: `src/kv/kv_cache.c`, `cpu/linear.c`,
    `choice.c`. A function, `kv_cache_commit()`, occurs in a source. Of made-up names a word is in capitals: `test_NAME.c`."""
    files = repository()
    folders = {os.path.dirname(f) for f in files} | {os.path.dirname(os.path.dirname(f)) for f in files}
    words = set()
    for f in files:
        if f.endswith((".c", ".h", ".py", ".sh", ".js")):
            words.update(re.findall(r"\w+", read(f)))
    n = 0
    for page in pages():
        for span in re.findall(r"`([^`\n]+)`", read(page)):
            function = re.fullmatch(r"([a-z]\w*)\(.*\)", span)
            if function:
                n += 1
                check(f"{page}: {span} is in a source", function[1] in words)
            for name in without_braces(span) if re.fullmatch(r"[\w./{},*-]+", span) else []:
                is_path = re.fullmatch(r"(\.\./)*(src|include|tests|bench|docs|examples|scripts|cmake)/.*", name)
                if not (is_path or re.search(r"\.[ch]$", name)) or re.search(r"[A-Z]{4}", name):
                    continue
                n += 1
                name = re.sub(r"^(\.\./)+", "", name).rstrip("/")
                there = any(fnmatch.fnmatch("/" + f, "*/" + name) for f in files) or any(("/" + f).endswith("/" + name) for f in folders)
                check(f"{page}: {name} is there", there)
    check("there are names", n > 500, n)


def tables():
    """What somebody adds to a table of the sources stands in the documentation too, and a tiny model is read by a test."""
    def compare(page, known, where):
        check(f"{page}: there are names", len(known) > 15, known)
        for name in known:
            check(f"{page} has {name}", where(name))

    models, formats, server = read("docs/models.md"), read("docs/number-formats.md"), read("docs/server.md")
    compare("docs/models.md", re.findall(r'\.name = "([^"]+)"', read("src/model/arch.c")), lambda n: f"`{n}`" in models)
    compare("docs/number-formats.md", re.findall(r"X\((\w+), *\d+", read("src/format/dtype.h")), lambda n: re.search(rf"\b{n}\b", formats))
    compare("docs/server.md", [p.rstrip("*") for p in re.findall(r'\{ "[A-Z]+", "([^"]+)"', read("src/server/http/route.c"))],
            lambda p: p in server)
    tests = read("tests/golden/test_tiny.c") + read("tests/golden/test_encoders.c")
    compare("test_tiny.c or test_encoders.c", [f[:-5] for f in os.listdir(os.path.join(ROOT, "tests/golden/tiny")) if f.endswith(".gguf")],
            lambda n: f'"{n}"' in tests)


names()
tables()
links()
migration()
manual()
hardware()
quickstart()
sys.exit(len(failed) > 0)
