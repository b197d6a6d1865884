"""web_markdown_checks.py - the page's Markdown in a browser, beside examples of CommonMark 0.31.2 and of GitHub's dialect.

EXAMPLES have the numbers of https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/ (G), and the HTML that
is given there. OUTLINE writes a tree as text, and leaves out what the page does otherwise on purpose: headings are two
levels lower, a line break is one, code stands in a figure. OWN is what markdown.js and inline.js do not do as written
there: HTML stays text, images are links, links are absolute."""
import json

from browser import Browser
from served import Server, check, finish

A = ' target="_blank" rel="noopener noreferrer" title='


def link(address, text):
    return f'<a href="{address}"{A}"{address}">{text}</a>'


EXAMPLES = {  # number: (Markdown, HTML); of tables, their cells
    12: ('\\!\\"\\#\\$\\%\\&\\\'\\(\\)\\*\\+\\,\\-\\.\\/\\:\\;\\<\\=\\>\\?\\@\\[\\\\\\]\\^\\_\\`\\{\\|\\}\\~',
        "<p>!&quot;#$%&amp;'()*+,-./:;&lt;=&gt;?@[\\]^_`{|}~</p>"),
    13: ('\\\t\\A\\a\\ \\3\\φ\\«', '<p>\\\t\\A\\a\\ \\3\\φ\\«</p>'),
    14: ('\\*not emphasized*\n\\<br/> not a tag\n\\[not a link](/foo)\n\\`not code`\n1\\. not a list\n\\* not a list\n\\# not a heading\n\\[foo]: /url "not a reference"\n\\&ouml; not a character entity',
        '<p>*not emphasized*\n&lt;br/&gt; not a tag\n[not a link](/foo)\n`not code`\n1. not a list\n* not a list\n# not a heading\n[foo]: /url &quot;not a reference&quot;\n&amp;ouml; not a character entity</p>'),
    15: ('\\\\*emphasis*', '<p>\\<em>emphasis</em></p>'),
    26: ('&#35; &#1234; &#992; &#0;', '<p># Ӓ Ϡ �</p>'),
    27: ('&#X22; &#XD06; &#xcab;', '<p>&quot; ആ ಫ</p>'),
    28: ('&nbsp &x; &#; &#x;\n&#87654321;\n&#abcdef0;\n&ThisIsNotDefined; &hi?;',
        '<p>&amp;nbsp &amp;x; &amp;#; &amp;#x;\n&amp;#87654321;\n&amp;#abcdef0;\n&amp;ThisIsNotDefined; &amp;hi?;</p>'),
    29: ('&copy', '<p>&amp;copy</p>'),
    42: ('- `one\n- two`', '<ul>\n<li>`one</li>\n<li>two`</li>\n</ul>'),
    43: ('***\n---\n___', '<hr />\n<hr />\n<hr />'),
    46: ('--\n**\n__', '<p>--\n**\n__</p>'),
    57: ('- foo\n***\n- bar', '<ul>\n<li>foo</li>\n</ul>\n<hr />\n<ul>\n<li>bar</li>\n</ul>'),
    60: ('* Foo\n* * *\n* Bar', '<ul>\n<li>Foo</li>\n</ul>\n<hr />\n<ul>\n<li>Bar</li>\n</ul>'),
    61: ('- Foo\n- * * *', '<ul>\n<li>Foo</li>\n<li>\n<hr />\n</li>\n</ul>'),
    62: ('# foo\n## foo\n### foo\n#### foo\n##### foo\n###### foo',
        '<h1>foo</h1>\n<h2>foo</h2>\n<h3>foo</h3>\n<h4>foo</h4>\n<h5>foo</h5>\n<h6>foo</h6>'),
    63: ('####### foo', '<p>####### foo</p>'),
    64: ('#5 bolt\n\n#hashtag', '<p>#5 bolt</p>\n<p>#hashtag</p>'),
    71: ('## foo ##\n  ###   bar    ###', '<h2>foo</h2>\n<h3>bar</h3>'),
    73: ('### foo ###     ', '<h3>foo</h3>'),
    76: ('### foo \\###\n## foo #\\##\n# foo \\#',
        '<h3>foo ###</h3>\n<h2>foo ###</h2>\n<h1>foo #</h1>'),
    77: ('****\n## foo\n****', '<hr />\n<h2>foo</h2>\n<hr />'),
    79: ('## \n#\n### ###', '<h2></h2>\n<h1></h1>\n<h3></h3>'),
    94: ('- Foo\n---', '<ul>\n<li>Foo</li>\n</ul>\n<hr />'),
    98: ('---\n---', '<hr />\n<hr />'),
    119: ('```\n<\n >\n```', '<pre><code>&lt;\n &gt;\n</code></pre>'),
    121: ('``\nfoo\n``', '<p><code>foo</code></p>'),
    122: ('```\naaa\n~~~\n```', '<pre><code>aaa\n~~~\n</code></pre>'),
    124: ('````\naaa\n```\n``````', '<pre><code>aaa\n```\n</code></pre>'),
    126: ('```', '<pre><code></code></pre>'),
    131: (' ```\n aaa\naaa\n```', '<pre><code>aaa\naaa\n</code></pre>'),
    138: ('``` ```\naaa', '<p><code> </code>\naaa</p>'),
    140: ('foo\n```\nbar\n```\nbaz', '<p>foo</p>\n<pre><code>bar\n</code></pre>\n<p>baz</p>'),
    142: ('```ruby\ndef foo(x)\n  return 3\nend\n```',
        '<pre><code class="language-ruby">def foo(x)\n  return 3\nend\n</code></pre>'),
    145: ('``` aa ```\nfoo', '<p><code>aa</code>\nfoo</p>'),
    219: ('aaa\n\nbbb', '<p>aaa</p>\n<p>bbb</p>'),
    222: ('  aaa\n bbb', '<p>aaa\nbbb</p>'),
    228: ('> # Foo\n> bar\n> baz', '<blockquote>\n<h1>Foo</h1>\n<p>bar\nbaz</p>\n</blockquote>'),
    233: ('> bar\nbaz\n> foo', '<blockquote>\n<p>bar\nbaz\nfoo</p>\n</blockquote>'),
    234: ('> foo\n---', '<blockquote>\n<p>foo</p>\n</blockquote>\n<hr />'),
    239: ('>', '<blockquote>\n</blockquote>'),
    242: ('> foo\n\n> bar',
        '<blockquote>\n<p>foo</p>\n</blockquote>\n<blockquote>\n<p>bar</p>\n</blockquote>'),
    246: ('> aaa\n***\n> bbb',
        '<blockquote>\n<p>aaa</p>\n</blockquote>\n<hr />\n<blockquote>\n<p>bbb</p>\n</blockquote>'),
    258: (' -    one\n\n      two', '<ul>\n<li>\n<p>one</p>\n<p>two</p>\n</li>\n</ul>'),
    259: ('   > > 1.  one\n>>\n>>     two',
        '<blockquote>\n<blockquote>\n<ol>\n<li>\n<p>one</p>\n<p>two</p>\n</li>\n</ol>\n</blockquote>\n</blockquote>'),
    266: ('1234567890. not ok', '<p>1234567890. not ok</p>'),
    294: ('- foo\n  - bar\n    - baz\n      - boo',
        '<ul>\n<li>foo\n<ul>\n<li>bar\n<ul>\n<li>baz\n<ul>\n<li>boo</li>\n</ul>\n</li>\n</ul>\n</li>\n</ul>\n</li>\n</ul>'),
    295: ('- foo\n - bar\n  - baz\n   - boo',
        '<ul>\n<li>foo</li>\n<li>bar</li>\n<li>baz</li>\n<li>boo</li>\n</ul>'),
    297: ('10) foo\n   - bar', '<ol start="10">\n<li>foo</li>\n</ol>\n<ul>\n<li>bar</li>\n</ul>'),
    301: ('- foo\n- bar\n+ baz', '<ul>\n<li>foo</li>\n<li>bar</li>\n</ul>\n<ul>\n<li>baz</li>\n</ul>'),
    302: ('1. foo\n2. bar\n3) baz',
        '<ol>\n<li>foo</li>\n<li>bar</li>\n</ol>\n<ol start="3">\n<li>baz</li>\n</ol>'),
    303: ('Foo\n- bar\n- baz', '<p>Foo</p>\n<ul>\n<li>bar</li>\n<li>baz</li>\n</ul>'),
    304: ('The number of windows in my house is\n14.  The number of doors is 6.',
        '<p>The number of windows in my house is\n14.  The number of doors is 6.</p>'),
    306: ('- foo\n\n- bar\n\n\n- baz',
        '<ul>\n<li>\n<p>foo</p>\n</li>\n<li>\n<p>bar</p>\n</li>\n<li>\n<p>baz</p>\n</li>\n</ul>'),
    307: ('- foo\n  - bar\n    - baz\n\n\n      bim',
        '<ul>\n<li>foo\n<ul>\n<li>bar\n<ul>\n<li>\n<p>baz</p>\n<p>bim</p>\n</li>\n</ul>\n</li>\n</ul>\n</li>\n</ul>'),
    314: ('- a\n- b\n\n- c',
        '<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n<li>\n<p>c</p>\n</li>\n</ul>'),
    316: ('- a\n- b\n\n  c\n- d',
        '<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n<p>c</p>\n</li>\n<li>\n<p>d</p>\n</li>\n</ul>'),
    319: ('- a\n  - b\n\n    c\n- d',
        '<ul>\n<li>a\n<ul>\n<li>\n<p>b</p>\n<p>c</p>\n</li>\n</ul>\n</li>\n<li>d</li>\n</ul>'),
    325: ('* foo\n  * bar\n\n  baz',
        '<ul>\n<li>\n<p>foo</p>\n<ul>\n<li>bar</li>\n</ul>\n<p>baz</p>\n</li>\n</ul>'),
    326: ('- a\n  - b\n  - c\n\n- d\n  - e\n  - f',
        '<ul>\n<li>\n<p>a</p>\n<ul>\n<li>b</li>\n<li>c</li>\n</ul>\n</li>\n<li>\n<p>d</p>\n<ul>\n<li>e</li>\n<li>f</li>\n</ul>\n</li>\n</ul>'),
    328: ('`foo`', '<p><code>foo</code></p>'),
    329: ('`` foo ` bar ``', '<p><code>foo ` bar</code></p>'),
    331: ('`  ``  `', '<p><code> `` </code></p>'),
    334: ('`\xa0`\n`  `', '<p><code>\xa0</code>\n<code>  </code></p>'),
    335: ('``\nfoo\nbar  \nbaz\n``', '<p><code>foo bar   baz</code></p>'),
    338: ('`foo\\`bar`', '<p><code>foo\\</code>bar`</p>'),
    340: ('` foo `` bar `', '<p><code>foo `` bar</code></p>'),
    341: ('*foo`*`', '<p>*foo<code>*</code></p>'),
    347: ('```foo``', '<p>```foo``</p>'),
    349: ('`foo``bar``', '<p>`foo<code>bar</code></p>'),
    350: ('*foo bar*', '<p><em>foo bar</em></p>'),
    351: ('a * foo bar*', '<p>a * foo bar*</p>'),
    352: ('a*"foo"*', '<p>a*&quot;foo&quot;*</p>'),
    355: ('foo*bar*', '<p>foo<em>bar</em></p>'),
    356: ('5*6*78', '<p>5<em>6</em>78</p>'),
    358: ('_ foo bar_', '<p>_ foo bar_</p>'),
    360: ('foo_bar_', '<p>foo_bar_</p>'),
    363: ('aa_"bb"_cc', '<p>aa_&quot;bb&quot;_cc</p>'),
    366: ('*foo bar *', '<p>*foo bar *</p>'),
    372: ('_(_foo)', '<p>_(_foo)</p>'),
    375: ('_пристаням_стремятся', '<p>_пристаням_стремятся</p>'),
    378: ('**foo bar**', '<p><strong>foo bar</strong></p>'),
    389: ('__foo, __bar__, baz__', '<p><strong>foo, <strong>bar</strong>, baz</strong></p>'),
    394: ('**Gomphocarpus (*Gomphocarpus physocarpus*, syn.\n*Asclepias physocarpa*)**',
        '<p><strong>Gomphocarpus (<em>Gomphocarpus physocarpus</em>, syn.\n<em>Asclepias physocarpa</em>)</strong></p>'),
    403: ('__(bar)__.', '<p><strong>(bar)</strong>.</p>'),
    408: ('__foo_ bar_', '<p><em><em>foo</em> bar</em></p>'),
    411: ('*foo**bar**baz*', '<p><em>foo<strong>bar</strong>baz</em></p>'),
    412: ('*foo**bar*', '<p><em>foo**bar</em></p>'),
    416: ('foo***bar***baz', '<p>foo<em><strong>bar</strong></em>baz</p>'),
    417: ('foo******bar*********baz',
        '<p>foo<strong><strong><strong>bar</strong></strong></strong>***baz</p>'),
    426: ('____foo__ bar__', '<p><strong><strong>foo</strong> bar</strong></p>'),
    428: ('**foo *bar* baz**', '<p><strong>foo <em>bar</em> baz</strong></p>'),
    431: ('**foo *bar***', '<p><strong>foo <em>bar</em></strong></p>'),
    434: ('__ is not an empty emphasis', '<p>__ is not an empty emphasis</p>'),
    436: ('foo ***', '<p>foo ***</p>'),
    443: ('*foo**', '<p><em>foo</em>*</p>'),
    448: ('foo ___', '<p>foo ___</p>'),
    454: ('__foo_', '<p>_<em>foo</em></p>'),
    460: ('**foo**', '<p><strong>foo</strong></p>'),
    468: ('_____foo_____', '<p><em><strong><strong>foo</strong></strong></em></p>'),
    470: ('*foo __bar *baz bim__ bam*', '<p><em>foo <strong>bar *baz bim</strong> bam</em></p>'),
    471: ('**foo **bar baz**', '<p>**foo <strong>bar baz</strong></p>'),
    479: ('_a `_`_', '<p><em>a <code>_</code></em></p>'),
    480: ('**a<https://foo.bar/?q=**>',
        '<p>**a<a href="https://foo.bar/?q=**">https://foo.bar/?q=**</a></p>'),
    594: ('<http://foo.bar.baz>', '<p><a href="http://foo.bar.baz">http://foo.bar.baz</a></p>'),
    606: ('<foo\\+@bar.example.com>', '<p>&lt;foo+@bar.example.com&gt;</p>'),
    633: ('foo  \nbaz', '<p>foo<br />\nbaz</p>'),
    644: ('foo\\', '<p>foo\\</p>'),
    650: ("hello $.;'there", "<p>hello $.;'there</p>"),
    "G198": ("| foo | bar |\n| --- | --- |\n| baz | bim |", [["foo", "bar"], ["baz", "bim"]]),
    "G200": ("| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |", [["f|oo"], ["b | az"], ["b | im"]]),
    "G203": ("| abc | def |\n| --- |\n| bar |", "<p>| abc | def |\n| --- |\n| bar |</p>"),
    "G204": ("| abc | def |\n| --- | --- |\n| bar |\n| bar | baz | boo |", [["abc", "def"], ["bar", ""], ["bar", "baz"]]),
    "G491": ("~~Hi~~ Hello, ~there~ world!", "<p><del>Hi</del> Hello, <del>there</del> world!</p>"),
}

OWN = [  # what is done otherwise, or not said there
    ("# foo\n## foo ##\n### foo \\#", '<h3 class="h1">foo</h3><h4 class="h2">foo</h4><h5 class="h3">foo #</h5>'),
    ("Foo *bar*\n===", '<h3 class="h1">Foo <em>bar</em></h3>'),
    ("> # Foo\n> bar\nbaz", '<blockquote><h3 class="h1">Foo</h3><p>bar<br>baz</p></blockquote>'),
    ("<b>bold</b> <script>x()</script>", "<p>&lt;b&gt;bold&lt;/b&gt; &lt;script&gt;x()&lt;/script&gt;</p>"),
    ("[a](javascript:alert(1)) [b](data:text/html,x) [c](/relative)", "<p><span>a</span> <span>b</span> <span>c</span></p>"),
    ("![a cat](https://a.example/cat.png)", "<p>" + link("https://a.example/cat.png", "a cat") + "</p>"),
    ("see https://a.example/x_(y). Or (https://b.example/)",
     "<p>see " + link("https://a.example/x_(y)", "https://a.example/x_(y)") + ". Or (" +
     link("https://b.example/", "https://b.example/") + ")</p>"),
    ("[https://a.example/](https://b.example/)", "<p>" + link("https://b.example/", "<span>https://a.example/</span>") + "</p>"),
    ("&lt;b&gt; &amp; &#955; &nosuch;", "<p>&lt;b&gt; &amp; λ &amp;nosuch;</p>"),
    (r"[a](https://a.example/\(x\_y 'title')", "<p>" + link("https://a.example/(x_y", "a") + "</p>"),
]

# Text that makes careless parsers take forever, or nest until the stack ends.
HOSTILE = ['"[".repeat(50000)', '"[](".repeat(20000)', '"*a _b ".repeat(20000)', '"**".repeat(50000) + "a"', '"`".repeat(50000) + "a``"',
           '"> ".repeat(20000) + "a"', '"- ".repeat(20000) + "a"', '"|".repeat(50000) + "\\n|-|"', '" ".repeat(50000) + "`"',
           '"```" + " ".repeat(100000) + "`"', '"http://a" + ".".repeat(50000) + "a"', '"# " + "#".repeat(50000) + " a"',
           '"<http:".repeat(20000)', '"a\\n\\n    ".repeat(20000)', '"- a\\n\\n\\n".repeat(5000)', '"*".repeat(30000) + "a" + "*".repeat(30000)',
           '"[" + "**".repeat(30000) + "a" + "**".repeat(30000) + "](https://a.example)"',
           '"![a](".repeat(10000) + ")".repeat(10000)', '"&#".repeat(30000)', '"~a".repeat(30000)', '"- x |\\n|-|\\n".repeat(5000)']


OUTLINE = """
    window.outline = (root) => {
        const code = (n) => '<pre>' + n.textContent.replace(/\\s+/g, ' ').trim();
        const walk = (n) => {
            if (n.nodeType !== 1) return n.nodeType === 3 ? n.data.replace(/\\s+/g, ' ') : '';
            const tag = n.tagName.toLowerCase();
            if (tag === 'figure' || tag === 'pre') return code(n.querySelector('pre') ?? n);
            if (tag === 'br') return ' ';
            const more = tag === 'a' ? ' ' + n.href : tag === 'ol' ? ' ' + n.start : '';
            return '<' + (/^h[1-6]$/.test(n.className) ? n.className : tag) + more + '>' + [...n.childNodes].map(walk).join('').trim() + '</>';
        };
        return [...root.childNodes].map(walk).join('').replace(/ +/g, ' ').replace(/ ?(<[^>]*>) ?/g, '$1').trim();
    };
    window.ofHtml = (html) => outline(new DOMParser().parseFromString(html, 'text/html').body);"""


def examples(page):
    page.run("import('/web/markdown.js').then((m) => { window.html = (t) => { const d = document.createElement('div');"
             " m.showMarkdown(d, t); return d; }; })")
    page.run(OUTLINE)
    for number, (source, expected) in EXAMPLES.items():
        if isinstance(expected, list):
            cells = f"[...html({json.dumps(source)}).querySelectorAll('tr')].map((r) => [...r.children].map((c) => c.textContent))"
            check(f"example {number}", (got := page.run(cells)) == expected, got)
        else:
            got, wanted = page.run(f"[outline(html({json.dumps(source)})), ofHtml({json.dumps(expected)})]")
            check(f"example {number}", got == wanted, (got, wanted))
    for source, expected in OWN:
        got = page.run(f"html({json.dumps(source)}).innerHTML")
        check(f"own: {source!r}", got == expected, got)
    code = page.run("(() => { const d = html('1. a\\n   ```c\\n   if (x) {\\n\\n       y();\\n   ```\\n2. b');"
                    " return [d.querySelectorAll('li').length, d.querySelector('pre').textContent, d.querySelector('p')]; })()")
    check("code in a list keeps its lines and leaves the list tight", code == [2, "if (x) {\n\n    y();", None], code)


def streaming(page):
    """However a text arrives, the end is the same; and what is complete keeps its elements."""
    text = "# A\n\nb *c* d\n\n- e\n- f\n\n```py\nx = 1\n```\n\n| a | b |\n|---|---|\n| c | d |\n\n> q\n\nend"
    got = page.run(f"""import('/web/markdown.js').then((m) => {{
        const text = {json.dumps(text)}, d = document.createElement('div');
        for (let n = 1; n <= text.length; n++) m.showMarkdown(d, text.slice(0, n));
        const kept = d.firstChild;
        m.showMarkdown(d, text + '!');
        const same = kept === d.firstChild;
        m.showMarkdown(d, text);
        return [d.innerHTML === html(text).innerHTML, same];
    }})""")
    check("text that comes piece by piece looks the same", got == [True, True], got)


def hostile(page):
    for text in HOSTILE:
        n = page.run(f"html({text}).textContent.length")
        check(f"{text} is shown", n > 0, n)


server = Server()
with Browser() as browser:
    page = browser.page()
    page.open(server.url)
    examples(page)
    streaming(page)
    hostile(page)
    check("nothing is complained about", page.complaints == [], page.complaints)
server.end()
finish()
