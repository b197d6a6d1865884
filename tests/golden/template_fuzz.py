"""Random templates, from a seed: the same seed gives the same templates. For diff_jinja.py and make_templates.py.

Expressions mostly fit together: each kind of value has its own forms, and now and then another kind takes its place, for
errors have to agree too. A form names its parts: {S} a string, {N} a number, {I} an integer, {L} a sequence, {D} a mapping, {B} a truth
value, {A} anything; {M} an attribute, {C} a method, {F} a filter, {T} a test, {op} an operator."""

import random

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
    "html": "<p class=x>a &amp; b&nbsp;&lt;c&gt;</p> <!-- no --> (see http://a.example/b?c=(d), www.x.org or me@mail.example.)",
    "prose": "The well-known goof-ball -- and his e-mail friend -- used the -b option, a_b and supercalifragilistic words.\n\nAnd more.",
}

ATOMS = {
    "S": ["s", "u", "ws", "tags", "num", "words", "lines", "empty", "html", "prose", "messages[1].content", "users[0].name", "'abc'", "'a b'", "\"it's\"",
          "'%s|%s'", "'{}'", "'é'", "'\\n'", "'x' 'y'", "'b'", "'name'", "'l'", "' '", "','", "'1.5'", "'<b>'", "(tags|safe)", "nested.a.b[1].c",
          "'A-b (c)'", "'ǆ ŉ İ'", "'０１²Ⅷ五'", "'\\u00a0x\\u2003'", "'a\\tb'", "'0x1F'", "' 12 '", "'inf'", "'{0} {a}'", "'%(a)s'"],
    "N": ["n", "m", "zero", "f", "0", "1", "2", "-1", "3", "10", "1.5", "0.1", "1e3", "255", "l[0]", "users[0].age", "1_000", "2.675", "1e22", "7.0",
          "true", "big", "5e-7", "0x1F", "-0.0", "1e15", "1e16", "123456789.125", "0b101"],
    "I": ["n", "m", "zero", "0", "1", "2", "-1", "3", "-2", "5", "l[0]", "s|length", "loop.index|default(4)", "true"],
    "L": ["l", "ls", "e", "mix", "users", "messages", "[1, 2, 3]", "['b', 'a', 'B']", "(1, 'x')", "(1,)", "range(4)", "range(5, 0, -2)", "[[2, 'b'], [1, 'a']]",
          "nested.a.b", "'abc'|list", "d.items()", "d.keys()", "d.values()", "[1.0, 2, 3]", "[none, true]", "[' a', 'b ']", "users[2].tags", "[[1, 2], [3]]", "()"],
    "D": ["d", "nested", "users[0]", "messages[2]", "{'a': 1, 'b': [2]}", "{1: 'a', true: 'b', 2.0: 'c'}", "dict(a=1, b='x')", "{}",
          "messages[2].tool_calls[0].function", "{'B': 2, 'a': 1}", "namespace(a=1)", "{'z': {'y': [1, {'x': none}]}, 'a': 'é<'}"],
    "B": ["t", "no", "true", "false", "nil", "missing", "empty", "n > 3", "'a' in s", "e", "l"],
    "O": ["missing", "nil", "none", "d.nope", "users[1].x", "missing.x", "undef", "l[9]"],
}

ATTRS = ["name", "a", "b", "role", "content", "x", "0", "__class__", "append", "update", "real", "imag", "numerator", "denominator", "start", "stop", "step", "grouper", "nope"]
CALLS = ["items", "keys", "values", "upper", "lower", "title", "strip", "split", "format", "isdigit", "istitle", "expandtabs", "copy", "hex", "conjugate", "bit_count", "swapcase", "append",
         "pop", "nope", "get", "count", "index", "zfill", "join", "find", "isupper", "capitalize", "splitlines", "as_integer_ratio", "isnumeric"]
FILTERS = ["abs", "capitalize", "count", "escape", "e", "first", "float", "int", "items|list", "last", "length", "list", "lower", "max", "min", "reverse|list",
           "reverse", "round", "safe", "sort", "string", "sum", "title", "tojson", "trim", "unique|list", "upper", "wordcount", "dictsort", "join", "d", "urlencode",
           "indent", "forceescape", "filesizeformat", "select|list", "reject|list", "list|tojson", "string|length", "pprint", "striptags", "urlize", "wordwrap(9)",
           "xmlattr", "batch(2)|list", "slice(2)|list", "truncate(5)", "center(7)", "default('x')", "map('string')|list", "attr('a')", "groupby('age')|length"]
TESTS = ["boolean", "callable", "defined", "escaped", "even", "false", "filter", "float", "integer", "iterable", "lower", "mapping", "none", "number", "odd", "sequence",
         "string", "test", "true", "undefined", "upper", "divisibleby 2", "eq 1", "ne(2)", "lt 3", "le(1)", "gt 0", "ge(2)", "in [1, 2]", "sameas true", "equalto 'a'"]

FORMS = {
    "S": ["({S} + {S})", "({S} ~ {A})", "{S}[{I}]", "{S}[{I}:]", "{S}[:{I}]", "{S}[::-1]", "{S}[{I}:{I}:2]", "{S}[::-2]", "({S} * 2)", "{S}|upper", "{S}|lower", "{S}|title",
          "{S}|capitalize", "{S}|trim", "{S}|trim({S})", "{S}|replace({S}, {S})", "{S}|replace({S}, {S}, 1)", "{S}|indent({I})", "{S}|indent(2, true)",
          "{S}|indent('> ', blank=true)", "{A}|tojson", "{A}|tojson(indent=2)", "{A}|tojson(true)", "{A}|tojson(separators=(',', ':'), sort_keys=true)",
          "{D}|tojson(indent=1, sort_keys=true, ensure_ascii=true)", "{L}|join({S})", "{L}|join", "users|join(', ', attribute='name')", "{S}|escape", "{S}|safe", "{A}|string",
          "{S}|truncate(5, true)", "{S}|truncate(6)", "{S}|truncate(9, false, '…', 1)", "{S}|center(9)", "{S}.strip()", "{S}.strip({S})", "{S}.lstrip()", "{S}.rstrip({S})",
          "{S}.upper()", "{S}.title()", "{S}.swapcase()", "{S}.replace({S}, {S})", "{S}.split({S})[0]", "{S}.split({S})[-1]", "{S}.join({L}|map('string'))", "({S} % {A})",
          "'%s-%r' % ({A}, {A})", "'%05.1f|%-4d|%+d' % ({N}, {N}, {N})", "'%x|%o|%e|%g' % ({N}|int, {N}|int, {N}, {N})", "'%10.3s|%-10s|%c' % ({S}, {S}, 65)", "'{:>6}|{!r}'.format({S}, {A})",
          "'{:.2f}|{:,}'.format({N}, {N}|int)", "'{:08.3f}|{:+}|{:^9}|{:e}'.format({N}, {N}, {N}, {N})", "'{0[a]}|{0}'.format({D})", "'{a}'.format(**d)", "'{!a}|{!s:>7}|{!r:.3}'.format({A}, {A}, {A})", "{S}.format({A}, a={A})",
          "{S}.format_map({D})", "{S}.translate({S}.maketrans('abl', 'xyz', ' '))", "{S}.translate({97: 'Ä', 108: none})", "{S}|urlencode", "{L}|first|string", "({S} if {B} else {S})",
          "({S} or {S})", "({B} and {S})", "{S}|default({S})", "{S}|default({S}, true)", "{D}.get({S}, {S})", "{S}.zfill(8)", "{S}.ljust(8, '.')", "{S}.center(9, '*')",
          "{S}.removeprefix({S})", "{S}.removesuffix({S})", "{S}|reverse", "{S}|forceescape", "{N}|filesizeformat", "{N}|filesizeformat(true)", "{D}|dictsort|string", "{S}.capitalize()",
          "{S}.casefold()", "{S}|format({A})", "{S}|format(a={A})", "{S}|string|safe", "{S}.expandtabs(4)", "{S}|striptags", "{S}|urlize", "{S}|urlize(8, true, target='_blank')", "{S}|wordwrap({I})",
          "prose|wordwrap({I} + 12)", "prose|wordwrap(11, false, '|')", "prose|wordwrap(7, break_on_hyphens={B})", "{A}|pprint", "[{A}, users, {A}]|pprint", "{'k': {A}, 'j': mix}|pprint",
          "{D}|xmlattr", "{D}|urlencode", "{D}.items()|urlencode", "users|tojson(indent=3)", "(html|safe).striptags()", "{N}.hex()"],
    "N": ["({N} + {N})", "({N} - {N})", "({N} * {N})", "({N} / {N})", "({N} // {N})", "({N} % {N})", "-{N}", "+{N}", "{A}|length", "{L}|count", "{S}|length", "{N}|int", "{N}|float",
          "{S}|int", "{S}|float", "{S}|int({I})", "{N}|round", "{N}|round({I})", "{N}|round(1, 'floor')", "{N}|round(1, 'ceil')", "{N}|abs", "{L}|sum", "{L}|sum(start={N})",
          "users|sum(attribute='age')", "{L}|min", "{L}|max", "users|max(attribute='age')", "{S}.find({S})", "{S}.rfind({S})", "{S}.count({S})", "{S}.index({S})", "{S}.find({S}, {I})",
          "{L}|first", "{L}|last", "{L}[{I}]", "({N} if {B} else {N})", "{N} ** 2", "2 ** {N}", "{S}|wordcount", "{L}|list|length", "{D}|length", "({N} or {N})", "{S}|int(0, 16)",
          "{L}|map('length')|sum", "missing|default({N})", "{L}.index({A})", "{L}.count({A})", "{N}.real", "{N}.numerator", "{I}.bit_length()", "range({I})|length", "{N}.as_integer_ratio()"],
    "I": ["({I} + {I})", "({I} - 1)", "({I} * 2)", "({I} // 2)", "({I} % 3)", "-{I}", "{L}|length", "{N}|int", "{S}.find({S})", "{S}|int"],
    "L": ["({L} + {L})", "{L}[{I}:]", "{L}[:{I}]", "{L}[::-1]", "{L}[{I}:{I}:{I}]", "{L}|list", "{L}|sort", "{L}|sort(reverse=true)", "{L}|reverse|list", "{L}|unique|list",
          "{L}|map('string')|list", "{L}|map('upper')|list", "{L}|map({F1})|list", "{L}|map(attribute={S})|list", "users|map(attribute='name')|list", "users|sort(attribute='name')",
          "users|sort(attribute='age,name')", "users|selectattr('on')|list", "users|selectattr('age', 'gt', {N})|list", "users|rejectattr({S})|list",
          "users|rejectattr('name', {T1})|list", "users|groupby('age')", "users|groupby('name', case_sensitive=true)|map(attribute='list')|list", "users|groupby({S}, default={A})",
          "messages|selectattr('role', 'equalto', {S})|list", "{L}|select('odd')|list", "{L}|select('string')|list", "{L}|select({T1})|list", "{L}|reject({T1})|list", "{L}|reject('none')|list",
          "{L}|select('in', {L})|list", "{L}|select|list", "{L}|reject|list", "{L}|batch(2)|list", "{L}|batch(2, {A})|list", "{L}|slice(2)|list", "{L}|slice({I}, {A})|list", "{S}.split()",
          "{S}.split({S})", "{S}.split({S}, 1)", "{S}.rsplit({S}, 1)", "{S}.rsplit(none, 1)", "{S}.splitlines()", "{S}.splitlines(true)", "{S}|list", "{D}.items()|list", "{D}|items|list",
          "{D}|dictsort", "{D}|dictsort(by='value')", "{D}|dictsort(true, reverse=true)", "{D}.keys()|list", "{D}|list", "[{A}, {A}]", "({A}, {A})", "{L} * 2", "range({I})|list",
          "range({I}, {I}, {I})", "({L} if {B} else {L})", "({L} or {L})", "{L}|map('default', {A})|list", "{S}.partition({S})", "{S}.rpartition({S})", "users|unique(attribute='age')|list",
          "{L}|sort(case_sensitive=true)", "users|map(attribute='tags', default={A})|list", "{L}|map('tojson')|list", "[{L}|min, {L}|max]", "{L}|groupby(0)|list", "{L}|reverse|map('string')|list",
          "{L}|selectattr({S})|list", "{D}|map('upper')|list", "nested.a.b|map(attribute='c')|list"],
    "D": ["dict({D})", "dict({D}, z={A})", "dict({L}|batch(2, 1))", "dict({L})", "{'k': {A}, {S}: {A}}", "({D} if {B} else {D})", "({D} or {D})", "{D}.copy()", "dict.fromkeys({L}, {A})", "dict(**d)", "{L}|first",
          "nested.a", "({L}|last)", "users|groupby('age')|first", "dict({D}.items())"],
    "B": ["({A} == {A})", "({N} < {N})", "({S} <= {S})", "({L} >= {L})", "({A} != {A})", "({S} in {S})", "({A} in {L})", "({S} not in {D})", "not {B}", "({B} and {B})", "({B} or {B})",
          "({A} is {T})", "({A} is not {T})", "({N} is divisibleby {N})", "({A} is in {L})", "({A} is sameas {A})", "({A} is eq {A})", "({N} is gt({N}))", "{S}.startswith({S})",
          "{S}.startswith({S}, {I})", "{S}.endswith(({S}, {S}))", "{S}.isdigit()", "{S}.isalpha()", "{S}.islower()", "{S}.isupper()", "{S}.isspace()", "{S}.istitle()", "{S}.isalnum()", "{S}.isnumeric()",
          "{S}.isdecimal()", "{S}.isascii()", "{S}.isprintable()", "{S}.isidentifier()", "({N} < {N} <= {N})", "({N} == {N} != {N})", "{N}.is_integer()", "('upper' is filter)", "({S} is test)"],
    "O": ["({D}).{M}", "({A}).{M}", "{D}[{S}]", "{A}[{A}]", "({A} if {B})", "{A}|first", "{A}|attr({S})", "({A}).{C}({A})", "({A}).{C}()", "({A}).{C} is defined", "{A}|{F}", "({A} {op} {A})", "{A}[{A}:{A}]"],
}

LOOPS = ["for i in l", "for c in s[:3]", "for k, v in d.items()", "for m in messages", "for x in e", "for i in range(3)", "for u in users if u.on", "for i in l recursive", "for k in d",
         "for x in range(2)", "for a, b in [[1, 2], [3, 4]]", "for i in l if i > 1", "for i in l|select('odd')", "for w in words.split()", "for (a, b), c in [[[1, 2], 3]]", "for i in l|reverse",
         "for g in users|groupby('age')", "for i in range(3) if i != 1 recursive"]
LOOP_USES = ["", "{{ loop.first }}", "{{ loop.last }}", "{{ loop.length }}{{ loop.revindex }}", "{{ loop.cycle('a', 'b') }}", "{{ loop.previtem }}|{{ loop.nextitem }}",
             "{{ loop.changed(loop.index // 2) }}", "{% if loop.index == 2 %}{% break %}{% endif %}", "{% if loop.index0 == 1 %}{% continue %}{% endif %}{{ loop.index }}",
             "{{ i }}{{ m.role }}{{ k }}{{ v }}", "{{ loop(e) if i }}", "{{ loop.depth }}", "{% continue %}", "{% break %}", "{{ loop.revindex0 }}{{ loop.depth0 }}", "{{ ', ' if not loop.last }}",
             "{% if loop.depth < 3 %}{{ loop([1, 2]) }}{% endif %}", "{% set outer = loop %}{% for j in range(2) %}{{ outer.index }}{{ loop.index }}{% endfor %}", "{{ loop.index is odd }}",
             "{% set n = n + loop.index %}{{ n }}", "{{ loop }}"]
TEXTS = ["text", "\n", "  ", "\n  ", "{{ n }}", "a\n\nb", "{# c #}", " {#- c -#} ", "{{- s -}}", "x\n", "\t", "{#+ c #}\n", "\n {# c #}\n", "{{ x }}{{ q }}", "\r\n",
         "{{ '\\n' }}", " {{-n-}} ", "{{ j() if j }}", "{{ cy.next() if cy }}", "{{ loop.index if loop }}"]
BLOCK_FILTERS = ["upper", "trim", "replace('a', 'b')", "indent", "length", "upper|trim", "wordwrap(5)", "striptags", "indent(1, true)|string"]


TOKENS = ["{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", ",", ".", ":", "|", "~", "=", "==", "'", '"', "\\", "\n", " ", "if ", " in ", " is ", " not ", " and ", " else ",
          "0", "1.", ".5", "e3", "_", "x", "*", "**", "/", "//", "%", "<", ">=", "!", "true", "none", " for ", "{%- ", " -%}", "{{-", "-}}", "é", "loop", "@", ";", "0x", "1_0", "endif", " if x", "(x)", "[0]"]
LETTERS = list("abcXYZ  .,-_'\"<>&%{}\\/=:;!?()|#@0159\t") + ["\\n", "\\r\\n", "\\x0b", "\\x1c", "\\u2028", "\\u00a0", "\\x00", "\\x7f", "\\ud7ff", "é", "ß", "Σ", "σς", "ǅ", "İ", "ı", "ŉ", "ﬁ", "五", "٣", "²",
                                                                       "Ⅷ", "😀", "e\u0301", "\u200b", "\u00ad", "http://a.example/", "www.b.org", "me@x.org", "&amp;", "&#65;", "<b>", "--", "-", "word"]


class Generator:
    """wildness: how often a value of another kind takes a place; damage: how often a template has an accident."""

    def __init__(self, seed, wildness=0.01, damage=0.03):
        self.r = random.Random(seed)
        self.wildness = wildness
        self.damage = damage

    def fill(self, text, depth):
        r = self.r
        lists = {"{M}": ATTRS, "{C}": CALLS, "{F}": FILTERS, "{T}": TESTS, "{op}": ["+", "-", "*", "/", "//", "%", "~", "<", "==", "in"],
                 "{F1}": ["'upper'", "'length'", "'first'", "'default', 'x'", "'abs'", "'tojson'", "'replace', 'a', 'b'", "'round', 1"], "{T1}": ["'none'", "'defined'", "'gt', 1", "'string'", "'eq', 1", "'lower'"]}
        for mark, values in lists.items():
            while mark in text:
                text = text.replace(mark, r.choice(values), 1)
        for kind in "SNILDBA":
            while "{%s}" % kind in text:
                text = text.replace("{%s}" % kind, self.of(kind, depth - 1), 1)
        return text

    def of(self, kind, depth):
        r = self.r
        if kind == "A":
            kind = r.choice("SSNNLLDB") if r.random() > self.wildness * 4 else "O"
        elif r.random() < self.wildness:
            kind = r.choice("SNLDBO")
        if kind in "SN" and r.random() < 0.12:
            return self.literal(kind)
        if kind == "S" and r.random() < 0.04:
            return self.formatted(depth)
        if depth <= 0 or r.random() < 0.15:
            return r.choice(ATOMS[kind])
        form = r.choice(FORMS[kind])
        text = self.fill(form, depth)
        return text if form[0] == "(" and form[-1] == ")" else f"({text})"

    def literal(self, kind):
        """A string or number that stands in no table."""
        r = self.r
        if kind == "N":
            number = r.choice([lambda: r.uniform(-10, 10), lambda: r.gauss(0, 1) * 10.0 ** r.randrange(-20, 25), lambda: round(r.uniform(0, 100), r.randrange(4)),
                               lambda: r.randrange(-10**6, 10**6), lambda: r.randrange(-10**15, 10**15) / 10**r.randrange(10), lambda: r.randrange(200) + 0.5, lambda: r.randrange(1000) / 1000])()
            return f"({number!r})"
        text = "".join(r.choice(LETTERS) for _ in range(r.randrange(12))).replace("\\\\", "\\")
        text = text.replace("\\/", "/").replace("'", "\\'")
        return "'" + (text + "n" if len(text) - len(text.rstrip("\\")) & 1 else text) + "'"

    def formatted(self, depth):
        """Every field of the two little languages of formats."""
        r = self.r
        value = self.of(r.choice("NNIISA"), depth - 1)
        width, precision = r.choice(["", "", "1", "7", "12"]), r.choice(["", "", ".0", ".1", ".3", ".12"])
        if r.random() < 0.5:
            flags = "".join(r.sample("-+ 0#", r.randrange(3)))
            return f"('%{flags}{width}{precision}{r.choice('dixXoeEfFgGsrac')}|' % ({value},))"
        fill = r.choice(["", "<", ">", "^", "=", "*<", "é^", "0>", "x="])
        return "('{:%s}|'.format(%s))" % (fill + r.choice(["", "", "+", "-", " "]) + r.choice(["", "#"]) + r.choice(["", "0"]) + width + r.choice(["", "", ",", "_"]) + precision
                                          + r.choice(["", "", "d", "b", "o", "x", "X", "e", "E", "f", "F", "g", "G", "%", "s", "n", "c"]), value)

    def expr(self, depth):
        return self.of("A", depth)

    def body(self, depth):
        return "".join(self.piece(depth) for _ in range(self.r.randrange(1, 4)))

    def tag(self, text):
        r = self.r
        return "{%" + r.choice(["", "", "-", "+"]) + " " + text + " " + r.choice(["", "", "-", "+"]) + "%}" + r.choice(["", "", "\n", "  ", " \n "])

    def template(self):
        """An expression or a sequence of statements, half of each; a few with an accident."""
        text = "{{ %s }}" % self.expr(4) if self.r.random() < 0.5 else self.body(3)
        return self.damaged(text) if self.r.random() < self.damage else text

    def damaged(self, text):
        """The same with a character or a token lost, doubled or put somewhere: what the two parsers make of it."""
        r = self.r
        for _ in range(r.randrange(1, 3)):
            at = r.randrange(len(text) + 1)
            end = at + r.choice([0, 0, 1, 1, 2, 5])
            text = text[:at] + r.choice(["", "", text[at:end] * 2, r.choice(TOKENS), r.choice(TOKENS)]) + text[end:]
        return text

    def piece(self, depth):
        r = self.r
        k = r.randrange(14)
        if k < 3 or depth <= 0:
            return r.choice(TEXTS)
        if k < 5:
            return "{{ %s }}" % self.expr(2)
        return [self.branch, self.loop, self.loop, self.assignment, self.set_block, self.macro, self.namespace, self.filter_block, self.other][k - 5](depth)

    def branch(self, depth):
        r = self.r
        text = self.tag(f"if {self.expr(2)}") + self.body(depth - 1)
        if r.random() < 0.3:
            text += self.tag(f"elif {self.expr(1)}") + self.body(depth - 1)
        if r.random() < 0.5:
            text += self.tag("else") + self.body(depth - 1)
        return text + self.tag("endif")

    def loop(self, depth):
        r = self.r
        head = r.choice(LOOPS + [f"for z in {self.of('L', 1)}"] * 2)
        text = self.tag(head) + self.body(depth - 1) + r.choice(LOOP_USES)
        if r.random() < 0.25:
            text += self.tag("else") + self.body(depth - 1)
        return text + self.tag("endfor")

    def assignment(self, depth):
        return self.tag(f"set {self.r.choice(['x', 'y', 'n', 's', 'i', 'ns', 'missing', 'x, y'])} = {self.expr(2)}")

    def set_block(self, depth):
        return self.tag(self.r.choice(["set q", "set q | upper", "set x | trim | length"])) + self.body(depth - 1) + self.tag("endset") + "{{ q }}{{ x }}"

    def macro(self, depth):
        r = self.r
        name = r.choice(["f", "g"])
        sig = r.choice(["", "a", "a, b=2", "a=n, b=a", "x=1"])
        body = self.body(depth - 1) + r.choice(["", "{{ a }}{{ b }}", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller }}", "{{ x }}"])
        call = r.choice([f"{name}()", f"{name}(1)", f"{name}(1, 2)", f"{name}(b=3)", f"{name}(1, 2, 3)", f"{name}(*[1])", f"{name}(**{{'a': 1}})", f"{name}(z=1)", f"{name}.arguments",
                         f"{name}.catch_kwargs ~ {name}.name ~ {name}.caller"])
        return self.tag(f"macro {name}({sig})") + body + self.tag("endmacro") + "{{ %s }}" % call

    def namespace(self, depth):
        return "{% set ns = namespace(a=0, b='x') %}" + self.body(depth - 1) + self.tag(f"set ns.{self.r.choice('abc')} = {self.expr(2)}") + "{{ ns.a }}{{ ns.b }}{{ ns.c }}"

    def filter_block(self, depth):
        return self.tag(f"filter {self.r.choice(BLOCK_FILTERS)}") + self.body(depth - 1) + self.tag("endfilter")

    def other(self, depth):
        body = self.body(depth - 1)
        return self.r.choice([
            self.tag("with x = 1, y = n") + body + "{{ x }}{{ y }}" + self.tag("endwith"),
            self.tag("generation") + body + self.tag("endgeneration"),
            self.tag("raw") + self.r.choice(["{{ x }}", " {% if %} \n", "\n{# #}"]) + self.tag("endraw"),
            "{% call(p) f() %}" + body + "{{ p }}{% endcall %}",
            "{% macro f() %}[{{ caller(1) }}]{% endmacro %}{% call(p) f() %}" + body + "{{ p }}{% endcall %}",
            "{% macro f(a, b='y') %}{{ a }}{{ caller(a, k=b) }}{% endmacro %}{% call(p, k=2) f(s) %}" + body + "{{ p }}{{ k }}{% endcall %}",
            self.tag("print %s, 1" % self.expr(1)),
            "{% set j = joiner('; ') %}{% set cy = cycler('odd', 'even') %}{% for i in l %}" + body + "{{ j() }}{{ cy.next() }}{{ cy.current }}{% endfor %}",
            "{% macro t(n) %}{% if n > 0 %}" + body + "{{ t(n - 1) }}{% endif %}{% endmacro %}{{ t(2) }}",
            self.tag("for k, g in users|groupby('age')") + "{{ k }}:{{ g|map(attribute='name')|join('+') }}" + body + self.tag("endfor"),
        ])
