#!/usr/bin/env python3
"""Compares the template engine with the real Jinja on random templates.

    tests/golden/diff_jinja.py build/release/tests/test.golden.templates [--seed N] [--count N] [--wildness X] [--damage X] [--show N]

Needs transformers and jinja2 (see template_oracle.py). The program runs in its batch mode, so 20,000 templates take about
a minute. Where both accept, the texts have to be the same bytes; where only one does, it has to be for one of the reasons
that docs/templates.md names. Prints what breaks these rules, and how often each reason occurred. Exit status 1 if
something differs. The tests compare 1,500 of these templates with stored results: make_templates.py."""

import argparse
import collections
import json
import resource
import signal
import subprocess
import sys
import warnings

from template_fuzz import VARS, Generator
from template_oracle import Oracle, shows_address

CHUNK = 250
UNSUPPORTED, LIMIT = 4, 6  # sumi_status


def stop(signum, frame):
    raise TimeoutError("TimeoutError")


def only_one(source, kind, want, got):
    """Why just one of the two accepts a template, or None if that is not allowed."""
    if kind == "text":
        status, error = got["status"], got["error"]
        if status in (UNSUPPORTED, LIMIT):
            return f"only Jinja: {error.split(': ', 2)[-1]}"
        if "not subscriptable" in error or "slice indices" in error:
            return "only Jinja: a slice of a constant is folded to undefined"
        if "wordwrap" in source and "'float' object cannot be interpreted" in error:
            return "only Jinja: a width that is no integer"
        return None
    if any(why in want for why in ("4300 digits", "too large", "MemoryError", "TimeoutError", "OverflowError")):
        return "only sumi: Python gave up on a size"
    if "NameError: name 'inf'" in want or "NameError: name 'nan'" in want:
        return "only sumi: Jinja folds a constant to inf or nan, which its code cannot name"
    return None


def ask_program(program, sources):
    jobs = b"".join(json.dumps({"templates": sources[i:i + CHUNK], "vars": VARS}).encode() + b"\n" for i in range(0, len(sources), CHUNK))
    out = subprocess.run([program, "--batch"], input=jobs, stdout=subprocess.PIPE, check=True).stdout
    return [result for line in out.splitlines() for result in json.loads(line)]


def ask_jinja(oracle, source):
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        return oracle.render(source, VARS)
    except TimeoutError as e:
        return "error", str(e)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("program")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--count", type=int, default=20000)
    args.add_argument("--wildness", type=float, default=0.01)
    args.add_argument("--damage", type=float, default=0.03)
    args.add_argument("--show", type=int, default=25)
    a = args.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, stop)
    g = Generator(a.seed, a.wildness, a.damage)
    sources = [g.template() for _ in range(a.count)]
    results = ask_program(a.program, sources)
    assert len(results) == len(sources)
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))  # so that "x" * 10**12 fails at once
    oracle = Oracle()
    differ = equal = both_fail = skipped = 0
    reasons = collections.Counter()
    for source, got in zip(sources, results):
        kind, want = ask_jinja(oracle, source)
        accepted = "text" in got
        if kind == "text" and shows_address(want):
            skipped += 1
        elif kind != "text" and not accepted:
            both_fail += 1
        elif kind == "text" and accepted and got["text"] == want:
            equal += 1
        elif (kind == "text") != accepted and (why := only_one(source, kind, want, got)):
            reasons[why] += 1
        else:
            differ += 1
            if differ <= a.show:
                print(f"--- {source!r}\n  jinja {kind}: {want!r}\n  sumi  {got.get('text', got)!r}")
    for why, n in reasons.most_common():
        print(f"{n:6} {why}")
    print(f"{equal} equal, {both_fail} fail in both, {sum(reasons.values())} only one accepts, {skipped} show an address, {differ} differ")
    return differ != 0


if __name__ == "__main__":
    sys.exit(main())
