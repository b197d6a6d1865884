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
ATTRS = ["name", "a", "b", "items", "keys", "role", "content", "upper", "x", "get", "0", "count", "title", "__class__", "append", "values"]
FILTERS0 = ["abs", "capitalize", "count", "escape", "e", "first", "float", "int", "items|list", "last", "length", "list", "lower", "max",
            "min", "reverse|list", "reverse", "round", "safe", "sort", "string", "sum", "title", "tojson", "trim", "unique|list", "upper", "wordcount",
            "dictsort", "join", "d", "urlencode", "indent", "forceescape", "filesizeformat", "select|list", "reject|list", "list|tojson", "string|length"]
METHODS = ["upper()", "lower()", "strip()", "strip({})", "lstrip()", "rstrip({})", "split()", "split({})", "split({}, 1)", "rsplit({}, 1)", "splitlines()", "startswith({})",
           "endswith({})", "replace({}, {})", "replace({}, {}, 1)", "title()", "capitalize()", "find({})", "rfind({})", "index({})", "count({})", "join({})",
           "format({})", "format({}, {})", "get({})", "get({}, {})", "items()", "keys()|list", "values()|list", "isdigit()", "isalpha()", "islower()", "isupper()",
           "isspace()", "zfill({})", "ljust({})", "rjust({}, '*')", "center({})", "partition({})", "rpartition({})", "removeprefix({})", "swapcase()", "splitlines(true)",
           "copy()", "append({})", "pop()", "update({})", "istitle()", "isalnum()", "isnumeric()", "casefold()", "removesuffix({})", "expandtabs(4)", "startswith(({}, {}))", "rindex({})", "isidentifier()", "isprintable()"]


class Generator:
    """Makes expressions that mostly fit together: each kind of value has its own forms, and now and then another kind
    takes its place, for errors have to agree too."""

    def __init__(self, rng):
        self.r = rng

    STR = ["s", "u", "ws", "tags", "num", "words", "lines", "empty", "messages[1].content", "users[0].name", "'abc'", "'a b'", "\"it's\"", "'%s|%s'", "'{}'",
           "'é'", "'\\n'", "'x' 'y'", "'b'", "'name'", "'l'", "' '", "','", "'1.5'", "'<b>'", "(tags|safe)", "nested.a.b[1].c", "'A-b (c)'"]
    NUM = ["n", "m", "zero", "f", "0", "1", "2", "-1", "3", "10", "1.5", "0.1", "1e3", "255", "loop_n", "l[0]", "users[0].age", "1_000", "2.675", "1e22", "7.0", "true", "big", "5e-7"]
    LIST = ["l", "ls", "e", "mix", "users", "messages", "[1, 2, 3]", "['b', 'a', 'B']", "(1, 'x')", "(1,)", "range(4)", "range(5, 0, -2)", "[[2, 'b'], [1, 'a']]", "nested.a.b", "'abc'|list",
            "d.items()", "d.keys()", "d.values()", "[1.0, 2, 3]", "[none, true]", "[' a', 'b ']", "users[2].tags", "[[1, 2], [3]]"]
    DICT = ["d", "nested", "users[0]", "messages[2]", "{'a': 1, 'b': [2]}", "{1: 'a', true: 'b', 2.0: 'c'}", "dict(a=1, b='x')", "{}", "messages[2].tool_calls[0].function", "{'B': 2, 'a': 1}", "namespace(a=1)"]
    BOOL = ["t", "no", "true", "false", "nil", "missing", "empty", "n > 3", "'a' in s", "e", "l"]
    ODD = ["missing", "nil", "none", "d.nope", "users[1].x", "missing.x", "undef", "l[9]"]

    def atom(self):
        return self.of(self.r.choice("SNLDBO"), 0)

    def fill(self, text, depth):
        kinds = {"{S}": "S", "{N}": "N", "{L}": "L", "{D}": "D", "{B}": "B", "{A}": "A", "{}": "A"}
        for mark, kind in kinds.items():
            while mark in text:
                text = text.replace(mark, self.of(kind, depth - 1), 1)
        return text

    FORMS = {
        "S": ["({S} + {S})", "({S} ~ {A})", "{S}[{N}]", "{S}[{N}:]", "{S}[:{N}]", "{S}[::-1]", "({S} * 2)", "{S}|upper", "{S}|lower", "{S}|title", "{S}|capitalize", "{S}|trim", "{S}|trim({S})", "{S}|replace({S}, {S})",
              "{S}|replace({S}, {S}, 1)", "{S}|indent({N})", "{S}|indent(2, true)", "{A}|tojson", "{A}|tojson(indent=2)", "{L}|join({S})", "{L}|join", "{S}|escape", "{S}|safe", "{A}|string", "{S}|truncate(5, true)", "{S}|truncate(6)", "{S}|center(9)",
              "{S}.strip()", "{S}.strip({S})", "{S}.lstrip()", "{S}.rstrip({S})", "{S}.upper()", "{S}.title()", "{S}.swapcase()", "{S}.replace({S}, {S})", "{S}.split({S})[0]", "{S}.split({S})[-1]", "{S}.join({L}|map('string'))", "({S} % {A})", "'%s-%r' % ({A}, {A})",
              "'%05.1f|%-4d|%+d' % ({N}, {N}, {N})", "'{:>6}|{!r}'.format({S}, {A})", "'{:.2f}|{:,}'.format({N}, {N}|int)", "{S}|urlencode", "{L}|first|string", "({S} if {B} else {S})", "({S} or {S})", "({B} and {S})", "{S}|default({S})", "{S}|default({S}, true)", "{D}.get({S}, {S})",
              "{S}.zfill(8)", "{S}.ljust(8, '.')", "{S}.removeprefix({S})", "{S}.removesuffix({S})", "{S}|reverse", "{S}|forceescape", "{N}|filesizeformat", "{D}|dictsort|string", "{S}.capitalize()", "{S}.casefold()", "{S}|format({A})", "{S}|string|safe"],
        "N": ["({N} + {N})", "({N} - {N})", "({N} * {N})", "({N} / {N})", "({N} // {N})", "({N} % {N})", "-{N}", "+{N}", "{A}|length", "{L}|count", "{S}|length", "{N}|int", "{N}|float", "{S}|int", "{S}|float", "{S}|int({N})", "{N}|round", "{N}|round({N})", "{N}|round(1, 'floor')",
              "{N}|round(1, 'ceil')", "{N}|abs", "{L}|sum", "{L}|sum(start={N})", "users|sum(attribute='age')", "{L}|min", "{L}|max", "{S}.find({S})", "{S}.rfind({S})", "{S}.count({S})", "{S}.index({S})", "{L}|first", "{L}|last", "{L}[{N}]", "({N} if {B} else {N})", "{N} ** 2", "{S}|wordcount", "{L}|list|length", "{D}|length", "({N} or {N})",
              "{S}|int(0, 16)", "{L}|map('length')|sum", "loop_x|default({N})"],
        "L": ["({L} + {L})", "{L}[{N}:]", "{L}[:{N}]", "{L}[::-1]", "{L}|list", "{L}|sort", "{L}|sort(reverse=true)", "{L}|reverse|list", "{L}|unique|list", "{L}|map('string')|list", "{L}|map('upper')|list", "{L}|map(attribute={S})|list", "users|map(attribute='name')|list", "users|sort(attribute='name')", "users|sort(attribute='age,name')",
              "users|selectattr('on')|list", "users|selectattr('age', 'gt', {N})|list", "users|rejectattr({S})|list", "users|groupby('age')", "users|groupby({S}, default={A})", "messages|selectattr('role', 'equalto', {S})|list", "{L}|select('odd')|list", "{L}|select('string')|list", "{L}|reject('none')|list", "{L}|select('in', {L})|list", "{L}|select|list", "{L}|reject|list",
              "{L}|batch(2)|list", "{L}|batch(2, {A})|list", "{L}|slice(2)|list", "{L}|slice({N}, {A})|list", "{S}.split()", "{S}.split({S})", "{S}.split({S}, 1)", "{S}.rsplit({S}, 1)", "{S}.splitlines()", "{S}|list", "{D}.items()|list", "{D}|items|list", "{D}|dictsort", "{D}|dictsort(by='value')", "{D}.keys()|list", "{D}|list", "[{A}, {A}]", "({A}, {A})", "{L} * 2",
              "range({N})|list", "({L} if {B} else {L})", "({L} or {L})", "{L}|map('default', {A})|list", "{S}.partition({S})", "{S}.rpartition({S})", "users|unique(attribute='age')|list", "{L}|sort(case_sensitive=true)", "users|map(attribute='tags', default={A})|list", "{L}|map({S})|list", "{L}|map('tojson')|list", "[{L}|min, {L}|max]", "{L}|groupby(0)|list", "{L}|reverse|map('string')|list", "{L}|selectattr({S})|list"],
        "D": ["dict({D})", "dict({D}, z={A})", "dict({L})", "{'k': {A}, {S}: {A}}", "({D} if {B} else {D})", "({D} or {D})", "{D}.copy()", "dict.fromkeys({L}, {A})", "dict(**{D})", "{L}|first", "nested.a", "({L}|last)"],
        "B": ["({A} == {A})", "({N} < {N})", "({S} <= {S})", "({L} >= {L})", "({A} != {A})", "({S} in {S})", "({A} in {L})", "({S} not in {D})", "not {B}", "({B} and {B})", "({B} or {B})", "({A} is defined)", "({A} is not none)", "({A} is string)", "({A} is mapping)", "({A} is sequence)", "({A} is iterable)", "({A} is number)", "({A} is integer)", "({A} is boolean)",
              "({N} is odd)", "({N} is even)", "({N} is divisibleby {N})", "({S} is lower)", "({S} is upper)", "({A} is in {L})", "({A} is sameas {A})", "({A} is eq {A})", "({N} is gt({N}))", "{S}.startswith({S})", "{S}.endswith(({S}, {S}))", "{S}.isdigit()", "{S}.isalpha()", "{S}.islower()", "{S}.isspace()", "{S}.istitle()", "{S}.isalnum()", "({A} is callable)", "({A} is escaped)", "({N} < {N} <= {N})", "({A} is true)", "{S}.isidentifier()", "({A} is undefined)"],
        "O": ["({D}).{W}", "({A}).{W}", "{D}[{S}]", "{A}[{A}]", "({A} if {B})", "{A}|first", "{A}|attr({S})", "({A}).{W}({A})", "{A}|{F}", "({A} {op} {A})"],
    }

    def of(self, kind, depth):
        r = self.r
        if kind == "A":
            kind = r.choice("SSNNLLDBO")
        elif r.random() < 0.03:
            kind = r.choice("SNLDBO")
        if depth <= 0 or r.random() < 0.15:
            return r.choice({"S": self.STR, "N": self.NUM, "L": self.LIST, "D": self.DICT, "B": self.BOOL, "O": self.ODD}[kind])
        form = r.choice(self.FORMS[kind])
        form = form.replace("{W}", r.choice(ATTRS + [m.split("(")[0] for m in METHODS])).replace("{F}", r.choice(FILTERS0)).replace("{op}", r.choice(["+", "-", "*", "/", "//", "%", "~", "<", "=="]))
        text = self.fill(form, depth)
        return text if form[0] == "(" or form[-1] == ")" and form[0] in "'[" else f"({text})"

    def expr(self, depth):
        return self.of("A", depth)

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
                             "for k in d", "for x in range(2)", "for a, b in [[1, 2], [3, 4]]", "for i in l if i > 1", "for i in l|select('odd')", "for w in words.split()"])
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
        elif "not subscriptable" in got.get("error", "") or "slice indices" in got.get("error", ""):  # Jinja folds slices of constants in another way
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
