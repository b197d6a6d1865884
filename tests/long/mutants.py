#!/usr/bin/env python3
"""mutants.py [NAME...] - shows that tests find mistakes: each mutant of mutants.txt, or those named, must fail its test.

A mutant is one replacement of text in one source file: a mistake that a programmer could make. It is built in a private copy
of the tree, as users get the program (optimised, without assertions), so the test itself must find it. A test that fails,
crashes or does not end kills its mutant. A mutant that survives shows that a test is missing. One line for each mutant; the
exit status is 1 if one survives, or if the list does not fit the source.
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIST = HERE / "mutants.txt"
COPIED = ["CMakeLists.txt", "cmake", "docs", "examples", "include", "LICENSE", "README.md", "scripts", "src", "tests"]
MOST_BYTES = 32 << 30  # address space of a test: a mutant may allocate without end


def stop(message):
    sys.exit(f"Error: {message}")


# ---- The list: see the comment at its top ----

class Mutant:
    def __init__(self, lines):
        self.name, colon, self.mistake = lines[0].partition(": ")
        fields = {kind: "\n".join(line[len(kind) + 1:] for line in lines[1:] if line.split(" ")[0] == kind)
                  for kind in ("file", "test", "-", "+")}
        self.file, self.test, self.old, self.new = fields.values()
        if not (colon and self.file and self.test and self.old) or self.old == self.new:
            stop(f"{LIST.name}: {lines[0]}: it needs a line 'NAME: MISTAKE', and lines file, test, - and +")

    def applied_to(self, text):
        """The text with this mistake; None: the old text is not there exactly once."""
        return text.replace(self.old, self.new) if text.count(self.old) == 1 else None


def read_list(wanted):
    lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]
    mutants = [Mutant(part.split("\n")) for part in re.split(r"\n\n+", "\n".join(lines).strip())]
    names = [m.name for m in mutants]
    if len(set(names)) < len(names):
        stop(f"{LIST.name}: a name occurs twice")
    if set(wanted) - set(names):
        stop(f"{LIST.name} has no mutant {', '.join(sorted(set(wanted) - set(names)))}")
    return [m for m in mutants if m.name in wanted or not wanted]


# ---- A copy of the tree, its build folder and its tests ----

class Tree:
    def __init__(self, folder):
        self.source, self.build = folder / "source", folder / "build"
        self.source.mkdir()
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, self.source / name)
        self.env = dict(os.environ, CCACHE_BASEDIR=str(folder), SUMI_PROGRAM=str(self.build / "sumi"))
        self.seconds = {}  # of each test without a mutant
        ccache = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        self.must("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                  "-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG", "-DSUMI_TESTS=ON", "-DSUMI_HARDENING=OFF", *ccache)

    def command(self, *args):
        return subprocess.run([str(a) for a in args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")

    def must(self, *args):
        done = self.command(*args)
        if done.returncode:
            print(done.stdout[-4000:])
            stop(f"{args[0]} failed")

    def program_of(self, test):
        """unit.kv.kv_swap is a file of test.unit.kv, or a program of its own."""
        group, _, name = test.rpartition(".")
        alone = self.command("ninja", "-C", self.build, "-t", "query", f"tests/test.{test}").returncode == 0
        return [f"tests/test.{test}"] if alone else [f"tests/test.{group}", name]

    def run(self, test, limit):
        """How the test failed, in words; None: it passed."""
        program, *args = self.program_of(test)
        start = time.monotonic()
        p = subprocess.Popen([self.build / program, *args], cwd=self.source, env=self.env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                             start_new_session=True,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES)))
        try:
            output = p.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            return f"it did not end within {limit:.0f} s"
        finally:
            if p.poll() is None:
                os.killpg(p.pid, signal.SIGKILL)
                p.communicate()
        self.seconds.setdefault(test, time.monotonic() - start)
        if p.returncode == 0:
            return None
        if p.returncode < 0:
            return f"it ended by {signal.Signals(-p.returncode).name}"
        failed = re.search(r"^\[  FAILED  \] (\w+)$", output, re.M)
        return failed[1] if failed else f"exit status {p.returncode}"

    def limit(self, test):
        return 60 + 20 * self.seconds[test]


# ---- The runs ----

def run_without(tree, mutants):
    """Without a mutant all tests must pass."""
    tests = sorted({m.test for m in mutants})
    tree.must("ninja", "-C", tree.build, *sorted({tree.program_of(t)[0] for t in tests}))
    failed = {t: why for t in tests if (why := tree.run(t, 1200))}
    for test, why in failed.items():
        print(f"{test} fails without a mutant: {why}")
    if failed:
        stop("the tests must pass first")
    print(f"without a mutant: {len(tests)} tests pass", flush=True)


def run_mutant(tree, m):
    """The outcome in words, and whether it is as it should be."""
    path = tree.source / m.file
    text = path.read_text() if path.exists() else ""
    mutated = m.applied_to(text)
    if mutated is None:
        return f"FAILED: its text occurs {text.count(m.old)} times in {m.file}, not once: update {LIST.name}", False
    path.write_text(mutated)
    try:
        built = tree.command("ninja", "-C", tree.build, tree.program_of(m.test)[0])
        if built.returncode:
            errors = [line for line in built.stdout.splitlines() if "error" in line]
            return f"FAILED: it does not compile: update {LIST.name}: {''.join(errors[:1])}", False
        why = tree.run(m.test, tree.limit(m.test))
    finally:
        path.write_text(text)
    return (f"killed by {m.test}: {why}", True) if why else (f"SURVIVED {m.test}: {m.mistake}", False)


def main():
    mutants = read_list(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # removes the copy, too
    bad = 0
    with tempfile.TemporaryDirectory(prefix="sumi-mutants-") as folder:
        tree = Tree(Path(folder))
        run_without(tree, mutants)
        for m in mutants:
            outcome, good = run_mutant(tree, m)
            print(f"{m.name}: {outcome}", flush=True)
            bad += not good
    print(f"{len(mutants) - bad} of {len(mutants)} mutants were killed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
