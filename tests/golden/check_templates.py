#!/usr/bin/env python3
"""Compares the template engine with the real Jinja on template files of one's own.

    tests/golden/check_templates.py build/release/tests/test.golden.templates PATH...

Every *.jinja below the paths is rendered with all conversations of make_templates.py by both; where the text (or the words
of a refusal) differ, or only one fails, both are printed. Needs transformers and jinja2. Packages that carry many real
templates: template_sources/README.md."""

import json
import pathlib
import subprocess
import sys
import warnings

from make_templates import ALL_CHATS
from template_oracle import render


def main():
    warnings.simplefilter("ignore")
    program, *paths = sys.argv[1:]
    files = sorted(f for path in paths for f in ([pathlib.Path(path)] if path.endswith(".jinja") else pathlib.Path(path).rglob("*.jinja")))
    sources = [f.read_text(encoding="utf-8") for f in files]
    equal = refused = failed = differ = 0
    for name, chat in ALL_CHATS.items():
        variables = {**chat, "bos_token": "<s>", "eos_token": "</s>"}
        job = json.dumps({"templates": sources, "vars": variables}).encode() + b"\n"
        results = json.loads(subprocess.run([program, "--batch"], input=job, stdout=subprocess.PIPE, check=True).stdout)
        for file, source, got in zip(files, sources, results):
            kind, want = render(source, variables)
            if kind == "text" and got.get("text") == want:
                equal += 1
            elif kind == "refused" and got.get("error") == want:
                refused += 1
            elif kind == "error" and "error" in got:
                failed += 1
            else:
                differ += 1
                print(f"--- {file}, {name}\n  jinja {kind}: {want!r}\n  sumi  {got.get('text', got)!r}")
    print(f"{len(files)} templates: {equal} texts equal, {refused} refused in the same words, {failed} fail in both, {differ} differ")
    return differ != 0


if __name__ == "__main__":
    sys.exit(main())
