#!/usr/bin/env python3
"""Compares the template engine with the real Jinja on random templates, and prints where they differ.

    tests/golden/diff_jinja.py build/release/tests/test.golden.templates [--seed N] [--count N] [--kind expr|stmt|all]

Not run by the tests: it needs transformers and jinja2 (see template_oracle.py). The program is driven in its batch
mode, so a run of 100,000 templates takes a few minutes. Exit status 1 if something differs."""

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import warnings

from template_oracle import render

warnings.simplefilter("ignore")

VARS = {
    "n": 7, "m": -3, "zero": 0, "f": 2.5, "t": True, "no": False, "nil": None, "empty": "", "s": "Hello, World",
    "u": "Grüße, Ωmega ΣΑΣ ß ﬁ 😀", "ws": "  a b\t\n c ", "tags": "<b>&'\"</b>", "num": "42", "dec": "-3.75e2", "big": 9007199254740993,
    "words": "one two  three", "lines": "a\nb\r\nc\x0bd\n", "l": [3, 1, 2], "ls": ["b", "A", "c", "a"], "e": [],
    "mix": [1, "a", None, 2.5, [1, 2], {"k": "v"}, True], "d": {"b": 1, "a": 2, "items": "x", "C": [1, 2]},
    "nested": {"a": {"b": [10, {"c": "deep"}]}}, "users": [
        {"name": "Bob", "age": 31, "on": True}, {"name": "alice", "age": 25, "on": False, "x": None},
        {"name": "Carol", "age": 31, "on": True, "tags": ["q", "r"]}],
    "messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": " Hi "},
                 {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"x": 1}}}]}],
}
NAMES = list(VARS) + ["missing"]
ATTRS = ["name", "a", "b", "items", "keys", "role", "content", "upper", "x", "get", "0", "count", "title", "__class__", "append", "values"]
STRINGS = ["''", "'a'", "'abc'", "\" \"", "'%s'", "'%d-%s'", "'{}'", "'é'", "'name'", "'a.b'", "'\\n'", "'x' 'y'", "'1.5'", "'0x1f'",
           "'%05.1f|%-4d|%+d'", "'{:>6}|{!r}'", "'role'", "'b'", "'lower'", "'odd'"]
FILTERS0 = ["abs", "capitalize", "count", "escape", "e", "first", "float", "int", "items|list", "last", "length", "list", "lower", "max",
            "min", "reverse|list", "reverse", "round", "safe", "sort", "string", "sum", "title", "tojson", "trim", "unique|list", "upper", "wordcount",
            "dictsort", "join", "d", "urlencode", "indent", "forceescape", "filesizeformat", "select|list", "reject|list", "list|tojson", "string|length"]
FILTERSN = ["default({})", "d({}, true)", "join({})", "replace({}, {})", "round({})", "indent({})", "batch(2)|list", "slice(2)|list",
            "batch(2, {})|list", "tojson(indent=2)", "tojson(indent={})", "sort(reverse=true)", "sort(attribute='name')", "sort(case_sensitive=true)",
            "map('upper')|list", "map(attribute={})|list", "map(attribute='name', default='?')|list", "map('int')|sum", "selectattr('on')|list", "selectattr('age', 'gt', {})|list",
            "rejectattr({})|list", "select('odd')|list", "select('string')|list", "reject('none')|list", "select('in', {})|list", "groupby('age')|list", "attr({})",
            "trim({})", "int({})", "int(0, 16)", "float({})", "truncate({})", "truncate(5, true)", "center({})", "format({})", "max(attribute='age')", "min(attribute='name')",
            "sum(attribute='age')", "sum(start={})", "dictsort(by='value')", "dictsort(reverse=true)", "unique(attribute='age')|list", "round(1, 'floor')", "round({}, 'ceil')",
            "tojson(sort_keys=true)", "tojson(separators=(',',':'))", "tojson(true)", "join(', ', attribute={})", "selectattr('role', 'equalto', 'user')|list", "map('length')|list", "map({})|list", "first|default({})"]
TESTS0 = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "odd", "even",
          "lower", "upper", "true", "false", "callable", "escaped"]
TESTSN = ["divisibleby({})", "in({})", "eq({})", "ne({})", "lt({})", "ge({})", "sameas({})", "equalto {}", "in {}", "gt({})", "le({})"]
METHODS = ["upper()", "lower()", "strip()", "strip({})", "lstrip()", "rstrip({})", "split()", "split({})", "split({}, 1)", "rsplit({}, 1)", "splitlines()", "startswith({})",
           "endswith({})", "replace({}, {})", "replace({}, {}, 1)", "title()", "capitalize()", "find({})", "rfind({})", "index({})", "count({})", "join({})",
           "format({})", "format({}, {})", "get({})", "get({}, {})", "items()", "keys()|list", "values()|list", "isdigit()", "isalpha()", "islower()", "isupper()",
           "isspace()", "zfill({})", "ljust({})", "rjust({}, '*')", "center({})", "partition({})", "rpartition({})", "removeprefix({})", "swapcase()", "splitlines(true)",
           "copy()", "append({})", "pop()", "update({})", "istitle()", "isalnum()", "isnumeric()", "casefold()", "removesuffix({})", "expandtabs(4)", "startswith(({}, {}))", "rindex({})", "isidentifier()", "isprintable()"]


class Generator:
    def __init__(self, rng):
        self.r = rng

    def atom(self):
        r = self.r
        k = r.random()
        if k < 0.45:
            return r.choice(NAMES)
        if k < 0.65:
            return r.choice(STRINGS)
        if k < 0.85:
            return r.choice(["0", "1", "2", "-1", "3", "10", "1.5", "0.1", "1e3", "255", "true", "false", "none", "1_000", "1e22", "12345678.9", "0x1F", "5e-7"])
        return r.choice(["[]", "{}", "()", "[1, 2, 3]", "{'a': 1, 'b': [2]}", "(1, 'x')", "(1,)", "range(4)", "range(5, 0, -2)", "dict(a=1)", "[['a', 1], ['b', 2]]",
                         "'abc'|list", "[1.0, 2, '3']", "namespace(a=1)", "[none, undef]", "{1: 'a', true: 'b', 2.0: 'c'}"])

    def fill(self, text, depth):
        while "{}" in text:
            text = text.replace("{}", self.expr(depth - 2) if self.r.random() < 0.5 else self.atom(), 1)
        return text

    def expr(self, depth):
        r = self.r
        if depth <= 0 or r.random() < 0.12:
            return self.atom()
        sub = lambda: self.expr(depth - 1)
        k = r.randrange(16)
        if k == 0:
            return f"({sub()} {r.choice(['+', '-', '*', '/', '//', '%', '~', '+', '~', '*'])} {sub()})"
        if k == 1 and r.random() < 0.2:  # small powers: Python computes the others to the last digit, for hours
            return f"{r.choice(['2', 'n', '-3', 'f', '0', '10', 's', 'true'])} ** {r.choice(['2', '3', '0', '-1', '0.5', 'n', 'nil'])}"
        if k == 1:
            return f"{sub()} {r.choice(['+', '-', '*', '~', '//', '%'])} {sub()}"
        if k == 2:
            return f"({sub()} {r.choice(['==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'and', 'or'])} {sub()})"
        if k == 3:
            return f"{r.choice(['not', '-', '+'])} {sub()}"
        if k == 4:
            return f"({sub()} if {sub()} else {sub()})" if r.random() < 0.8 else f"({sub()} if {sub()})"
        if k in (5, 6):
            return f"({sub()})|{r.choice(FILTERS0)}" if r.random() < 0.5 else f"{self.atom()}|{r.choice(FILTERS0)}"
        if k in (7, 8):
            return f"({sub()})|{self.fill(r.choice(FILTERSN), depth)}"
        if k == 9:
            return f"({sub()} is {r.choice(['', 'not '])}{r.choice(TESTS0)})"
        if k == 10:
            return f"({sub()} is {self.fill(r.choice(TESTSN), depth)})"
        if k in (11, 12):
            return f"({sub()}).{self.fill(r.choice(METHODS), depth)}" if r.random() < 0.5 else f"{self.r.choice(NAMES)}.{self.fill(r.choice(METHODS), depth)}"
        if k == 13:
            return f"({sub()})[{r.choice(['0', '-1', '1', ':2', '1:', '::-1', '-2:', '::2', '3:0:-1', ':-1', repr('name'), repr('a'), sub()])}]"
        if k == 14:
            return f"({sub()}).{r.choice(ATTRS)}"
        return r.choice([f"[{sub()}, {sub()}]", f"({sub()}, {sub()})", "{%s: %s}" % (self.atom(), sub()), f"dict(a={sub()}, b=1)", f"range({self.atom()})|list",
                         f"({self.atom()} < {sub()} <= {self.atom()})", f"({self.atom()} ~ {sub()} ~ {self.atom()})", f"dict({sub()})"])

    def body(self, depth):
        return "".join(self.piece(depth) for _ in range(self.r.randrange(1, 4)))

    def tag(self, text):
        r = self.r
        return "{%" + r.choice(["", "", "-", "+"]) + " " + text + " " + r.choice(["", "", "-", "+"]) + "%}" + r.choice(["", "", "\n", "  ", " \n "])

    def piece(self, depth):
        r = self.r
        k = r.randrange(14)
        if k < 3 or depth <= 0:
            return r.choice(["text", "\n", "  ", "\n  ", "{{ n }}", "a\n\nb", "{# c #}", " {#- c -#} ", "{{- s -}}", "x\n", "\t", "{{ loop.index }}", "{#+ c #}\n", "\n {# c #}\n"])
        if k < 5:
            return "{{ %s }}" % self.expr(2)
        if k == 5:
            return self.tag(f"if {self.expr(2)}") + self.body(depth - 1) + (self.tag(f"elif {self.expr(1)}") + self.body(depth - 1) if r.random() < 0.3 else "") + \
                (self.tag("else") + self.body(depth - 1) if r.random() < 0.5 else "") + self.tag("endif")
        if k in (6, 7):
            head = r.choice(["for i in l", "for c in s[:3]", "for k, v in d.items()", "for m in messages", "for x in e", "for i in range(3)", "for u in users if u.on", f"for z in {self.expr(1)}", "for i in l recursive",
                             "for k in d", "for a, b in [[1, 2], [3, 4]]", "for i in l if i > 1", "for i in l|select('odd')", "for w in words.split()"])
            inner = self.body(depth - 1) + r.choice(["", "{{ loop.first }}", "{{ loop.last }}", "{{ loop.length }}{{ loop.revindex }}", "{{ loop.cycle('a', 'b') }}", "{{ loop.previtem }}|{{ loop.nextitem }}", "{{ loop.changed(loop.index // 2) }}",
                                                     "{% if loop.index == 2 %}{% break %}{% endif %}", "{% if loop.index0 == 1 %}{% continue %}{% endif %}{{ loop.index }}", "{{ i }}{{ m.role }}{{ k }}{{ v }}",
                                                     "{{ loop(e) }}", "{{ loop.depth }}", "{% continue %}", "{% break %}"])
            return self.tag(head) + inner + (self.tag("else") + self.body(depth - 1) if r.random() < 0.25 else "") + self.tag("endfor")
        if k == 8:
            return self.tag(f"set {r.choice(['x', 'y', 'n', 's', 'i', 'ns', 'missing', 'x, y'])} = {self.expr(2)}")
        if k == 9:
            return self.tag(r.choice(["set q", "set q | upper", "set x | trim | length"])) + self.body(depth - 1) + self.tag("endset") + "{{ q }}{{ x }}"
        if k == 10:
            name = r.choice(["f", "g"])
            sig = r.choice(["", "a", "a, b=2", "a=n, b=a", "x=1"])
            body = self.body(depth - 1) + r.choice(["", "{{ a }}{{ b }}", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller }}", "{{ x }}"])
            call = r.choice([f"{name}()", f"{name}(1)", f"{name}(1, 2)", f"{name}(b=3)", f"{name}(1, 2, 3)", f"{name}(*[1])", f"{name}(**{{'a': 1}})", f"{name}(z=1)"])
            return self.tag(f"macro {name}({sig})") + body + self.tag("endmacro") + "{{ %s }}" % call
        if k == 11:
            return "{% set ns = namespace(a=0, b='x') %}" + self.body(depth - 1) + self.tag(f"set ns.{r.choice(['a', 'b', 'c'])} = {self.expr(2)}") + "{{ ns.a }}{{ ns.b }}{{ ns.c }}"
        if k == 12:
            return self.tag(f"filter {r.choice(['upper', 'trim', 'replace(&a&, &b&)'.replace('&', chr(39)), 'indent', 'length', 'upper|trim'])}") + self.body(depth - 1) + self.tag("endfilter")
        return r.choice([
            self.tag("with x = 1, y = n") + self.body(depth - 1) + "{{ x }}{{ y }}" + self.tag("endwith"),
            self.tag("generation") + self.body(depth - 1) + self.tag("endgeneration"),
            self.tag("raw") + r.choice(["{{ x }}", " {% if %} \n", "\n{# #}"]) + self.tag("endraw"),
            "{% call(p) f() %}" + self.body(depth - 1) + "{{ p }}{% endcall %}",
            "{% macro f() %}[{{ caller(1) }}]{% endmacro %}{% call(p) f() %}" + self.body(depth - 1) + "{{ p }}{% endcall %}",
            self.tag("print %s, 1" % self.expr(1)),
        ])


def stop(signum, frame):
    raise TimeoutError("TimeoutError")


def comparable(text):
    """Addresses of objects differ from run to run, so texts that show one are not compared."""
    return " at 0x" not in text and "object>" not in text and "<built-in" not in text and "<function" not in text and "<bound" not in text \
        and "<class" not in text and "TemplateDict" not in text


def main():
    args = argparse.ArgumentParser()
    args.add_argument("program")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--count", type=int, default=20000)
    args.add_argument("--kind", default="all")
    args.add_argument("--show", type=int, default=25)
    a = args.parse_args()
    g = Generator(random.Random(a.seed))
    signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))  # so that "x" * 10**12 fails at once
    proc = subprocess.Popen([a.program, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    differ = both_fail = same = skipped = 0
    for i in range(a.count):
        expr = a.kind == "expr" or (a.kind == "all" and i % 2)
        source = "{{ %s }}" % g.expr(4) if expr else g.body(3)
        signal.setitimer(signal.ITIMER_REAL, 2)
        try:
            kind, want = render(source, VARS)
        except TimeoutError as e:
            kind, want = "error", str(e)
        signal.setitimer(signal.ITIMER_REAL, 0)
        proc.stdin.write(json.dumps({"template": source, "vars": VARS}).encode() + b"\n")
        proc.stdin.flush()
        got = json.loads(proc.stdout.readline())
        if kind == "text" and not comparable(want):
            skipped += 1
        elif kind == "text" and got.get("text") == want:
            same += 1
        elif kind != "text" and "error" in got:
            both_fail += 1
        elif got.get("status") in (4, 6):  # not supported, or a limit: documented differences
            skipped += 1
        elif "not subscriptable" in got.get("error", ""):  # Jinja folds slices of constants in another way
            skipped += 1
        elif kind != "text" and ("4300 digits" in want or "too large" in want or "MemoryError" in want or "TimeoutError" in want or "OverflowError" in want):
            skipped += 1
        else:
            differ += 1
            if differ <= a.show:
                print(f"--- {source!r}\n  jinja {kind}: {want!r}\n  sumi  {got.get('text', got)!r}")
    proc.stdin.close()
    proc.wait()
    print(f"{same} equal, {both_fail} fail in both, {skipped} not comparable, {differ} differ")
    return differ != 0


sys.exit(main())
