"""web_thread_checks.py - what the page at / does with the messages of a conversation: goes on, forgets, deletes, searches,
takes conversations out and in, hides thoughts, draws formulas and tasks.

usage: web_thread_checks.py SUMI MODEL     Most answers are made up here, so that they have what the model would not say."""
import json

from browser import Browser, BrowserError
from served import Server, check, finish

READY = "document.querySelector('#model').textContent === 'smollm2'"
DONE = "document.querySelector('article.answer:last-child') && !document.querySelector('.answer.running')"
COUNT = "document.querySelectorAll('article').length"
FULL = {"error": {"message": "This model's maximum context length is 2048 tokens.", "type": "invalid_request_error",
                  "code": "context_length_exceeded", "n_prompt_tokens": 4096, "n_ctx": 2048}}


def last(page, part):
    return page.run(f"document.querySelector('article.answer:last-child {part}')?.textContent")


def ask(page, text):
    page.run("document.querySelector('#text').focus()")
    page.type(text)
    page.key("Enter")


def stream(text, finish="stop", usage=None):
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}]
    if usage:
        chunks.append({"choices": [], "usage": dict(zip(("prompt_tokens", "completion_tokens"), usage))})
    return "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"


def answered(page, question, answer, *more):
    """Asks, answers, and returns what was sent."""
    ask(page, question)
    sent = json.loads(page.respond(200, stream(answer, *more), "text/event-stream"))
    page.wait(DONE)
    return sent


def word(page, label):
    """Presses the button of the last answer with this label."""
    page.run(f"[...document.querySelectorAll('article.answer:last-child .word')].find((b) => b.textContent === '{label}').click()")


def thoughts(page):
    page.click("#new")
    answered(page, "Think.", "<think>\nFirst *this*.\n</think>\n\nThe answer.")
    check("thoughts stand apart, closed", page.run("document.querySelector('.thoughts').open") is False and
          last(page, "> .markdown") == "The answer.", last(page, ""))
    page.click(".thoughts summary")
    page.wait("document.querySelector('.thoughts em')?.textContent === 'this'")
    sent = answered(page, "More.", "No opening tag.</think>Text")
    check("earlier thoughts are not sent again", sent["messages"][1] == {"role": "assistant", "content": "The answer."}, sent)
    check("a thought that the prompt opened is one too", last(page, "> .markdown") == "Text", last(page, ""))
    answered(page, "Again.", "<think>cut", "length")
    check("an unfinished thought is no answer", last(page, "> .markdown") == "" and last(page, "summary") == "Thoughts")


def going_on(page):
    page.click("#new")
    answered(page, "Count.", "one two", "length", (10, 2))
    word(page, "Continue")
    sent = json.loads(page.respond(200, stream(" three", "stop", (12, 1)), "text/event-stream"))
    page.wait(DONE)
    check("the server is asked to go on", sent["messages"][-1] == {"role": "assistant", "content": "one two"} and
          sent["continue_final_message"] is True and sent["add_generation_prompt"] is False, sent)
    check("the text goes on", last(page, ".markdown") == "one two three", last(page, ""))
    check("its tokens are added", last(page, ".numbers").startswith("3 tokens"), last(page, ".numbers"))
    check("the gauge tells the context", page.run("document.querySelector('#context-text').textContent") == "13 of 2,048 tokens of context" and
          page.run("document.querySelector('#context-meter').value") == 13)
    check("a complete answer has no Continue", page.run("!document.querySelector('article.answer:last-child .word')"))


def full_context(page):
    page.click("#new")
    for i in range(4):
        answered(page, f"Question {i} " + "word " * 40, f"Answer {i} " + "word " * 40)
    ask(page, "The last one")
    page.respond(400, json.dumps(FULL))
    page.wait("document.querySelector('.failure')")
    check("trying again is not offered", last(page, ".word") == "Forget the oldest messages", last(page, ".failure"))
    word(page, "Forget the oldest messages")
    sent = json.loads(page.respond(200, stream("It fits"), "text/event-stream"))
    page.wait(DONE)
    texts = [m["content"].split(" word")[0] for m in sent["messages"]]
    check("the oldest are left away, in pairs", texts == ["Question 3", "Answer 3", "The last one"], texts)
    check("the page tells it", page.run("document.querySelector('.forgotten').nextElementSibling.textContent").startswith("Question 3"))
    check("and shows all of them", page.run(COUNT) == 10)
    page.click("#new")
    ask(page, "Too long alone")
    page.respond(400, json.dumps(FULL))
    page.wait("document.querySelector('.failure')")
    word(page, "Forget the oldest messages")
    page.wait("document.querySelector('#toasts').textContent.includes('longer than the context')", "a message that alone is too long is told")


def deleting(page):
    page.click("#new")
    answered(page, "A", "a")
    answered(page, "B", "b")
    page.click("article:nth-of-type(2) .remove")
    page.wait(COUNT + " === 3")
    check("one message is deleted", page.run("[...document.querySelectorAll('article')].map((a) => a.querySelector('.bubble, .markdown').textContent)") ==
          ["A", "B", "b"])
    page.click(".toast:last-child button")
    page.wait(COUNT + " === 4")
    page.click("article:nth-of-type(1) .remove")
    page.wait(COUNT + " === 3")
    sent = answered(page, "C", "c")
    check("the model is sent what is left, from a question on", [m["content"] for m in sent["messages"]] == ["B", "b", "C"], sent)
    page.reload()
    page.wait(READY + f" && {COUNT} === 5")
    check("it stays deleted", "A" not in page.run("document.querySelector('#thread').textContent").replace("Answer", ""))


def lists(page):
    page.run("(() => { const e = document.querySelector('#search'); e.value = 'ONE TWO three'; e.dispatchEvent(new Event('input')); })()")
    page.wait("document.querySelectorAll('#conversations .name').length === 1", "a search finds text of messages")
    check("by its text", page.run("document.querySelector('#conversations .name').textContent") == "Count.")
    page.run("(() => { const e = document.querySelector('#search'); e.value = 'no such text'; e.dispatchEvent(new Event('input')); })()")
    page.wait("document.querySelector('#conversations').textContent === 'Nothing is found'")
    page.run("document.querySelector('#search').focus()")
    page.key("Escape")
    page.wait("document.querySelectorAll('#conversations .name').length > 3", "Escape ends the search")


SAVED = """window.saved = []; URL.createObjectURL = (b) => { b.text().then((t) => saved.push(t)); return '#'; };
           HTMLAnchorElement.prototype.click = function () { window.savedName = this.download; }; 0"""


def choose_file(page, text):
    page.run(f"""(() => {{ const t = new DataTransfer(); t.items.add(new File([{json.dumps(text)}], 'x.json'));
        const e = document.querySelector('#import-file'); e.files = t.files; e.dispatchEvent(new Event('change')); }})()""")


def transfer(page):
    titles = "[...document.querySelectorAll('#conversations .name')].map((e) => e.textContent)"
    page.run(SAVED)
    page.click("#save-button")
    page.wait("saved.length === 1")
    check("a conversation is saved as Markdown", page.run("[savedName, saved[0]]") ==
          ["A.md", "# A\n\n## Answer\n\na\n\n## You\n\nB\n\n## Answer\n\nb\n\n## You\n\nC\n\n## Answer\n\nc\n"], page.run("[savedName, saved[0]]"))
    page.click("#export")
    page.wait("saved.length === 2")
    exported, before = page.run("saved[1]"), page.run(titles)
    data = json.loads(exported)
    check("all are exported", sorted(c["title"] for c in data["conversations"]) == sorted(before), before)
    choose_file(page, exported)
    page.wait("document.querySelector('#toasts').textContent.includes('were here already')")
    page.click("#conversations li:first-child .icon:last-child")
    page.wait(f"document.querySelectorAll('#conversations li').length === {len(before) - 1}")
    choose_file(page, exported)
    page.wait("document.querySelector('#toasts').textContent.includes('1 conversation is imported')")
    page.wait(f"document.querySelectorAll('#conversations li').length === {len(before)}")
    hostile = {"format": "sumi-conversations", "conversations": [{"id": "x", "title": "<b>", "leaf": 0, "settings": {"temperature": "hot"},
               "nodes": [{"role": "user", "text": "hello", "parent": None, "evil": 1}]}]}
    choose_file(page, json.dumps(hostile))
    page.wait(f"document.querySelectorAll('#conversations li').length === {len(before) + 1}")
    stored = page.run("new Promise((r) => { indexedDB.open('sumi').onsuccess = (e) => { e.target.result.transaction('conversations')"
                      ".objectStore('conversations').get('x').onsuccess = (f) => r(f.target.result); }; })")
    check("only what is known is taken in", "evil" not in stored["nodes"][0] and stored["settings"]["temperature"] != "hot", stored)
    for text, why in (("{", "is not JSON"), ("{}", "no export"), (json.dumps({**hostile, "conversations": [{"id": 1}]}), "malformed"),
                      (json.dumps({**hostile, "conversations": [{**hostile["conversations"][0], "leaf": 7}]}), "not there"),
                      (json.dumps({**hostile, "conversations": [{**hostile["conversations"][0], "nodes": [{"role": "user", "text": "", "parent": 0}]}]}), "malformed")):
        page.run("document.querySelector('#toasts').replaceChildren()")
        choose_file(page, text)
        page.wait(f"document.querySelector('#toasts').textContent.includes({json.dumps(why)})", f"a bad file is refused: {why}")


def texts(page):
    page.click("#new")
    answered(page, "שלום", "- [ ] to do\n- [x] done\n\n$$\\frac{a}{b}$$\n\nIt costs $5 or $6, and $x^2$ and \\(\\sqrt{y}\\) and $\\nosuch$.")
    check("tasks have boxes", page.run("[...document.querySelectorAll('li.task input')].map((i) => [i.checked, i.disabled])") ==
          [[False, True], [True, True]])
    check("formulas are MathML", page.run("[...document.querySelectorAll('.markdown math')].map((m) => m.firstChild.localName)") ==
          ["mfrac", "msup", "msqrt"])
    check("prices and unknown formulas are text", "It costs $5 or $6, and" in last(page, ".markdown") and "$\\nosuch$" in last(page, ".markdown"))
    check("each text has its own direction", page.run("getComputedStyle(document.querySelector('.bubble')).direction") == "rtl" and
          page.run("getComputedStyle(document.querySelector('.answer .markdown')).direction") == "ltr")


def formulas(page):
    """TeX -> the outline of what is made; null: the source is shown."""
    page.run("import('/web/math.js').then((m) => { const outline = (e) => e.children.length ? e.localName + '(' + [...e.children].map(outline).join(' ') + ')'"
             " : e.textContent; window.tex = (t, d) => { const e = m.math(t, d ?? false); return e && [...e.children].map(outline).join(' '); }; })")
    for source, expected in (("a+b=3.5", "a + b = 3.5"), (r"\frac{1}{2}", "mfrac(1 2)"), ("x_i^2", "msubsup(x i 2)"),
                             ("e^{-x}", "msup(e mrow(− x))"), (r"\sum_{i=1}^n i", "msubsup(∑ mrow(i = 1) n) i"), (r"\sqrt[3]{x}", "mroot(x 3)"),
                             (r"\left(\frac{a}{b}\right)", "mrow(( mfrac(a b) ))"), (r"\mathbb{R}^n", "msup(ℝ n)"), (r"\alpha\le\beta", "α ≤ β"),
                             (r"\begin{pmatrix}a & b \\ c & d\end{pmatrix}", "mrow(( mtable(mtr(mtd(a) mtd(b)) mtr(mtd(c) mtd(d))) ))"),
                             (r"\text{if } x", "if\u00a0 x"), ("f'(x)", "msup(f ′) ( x )"), (r"\hat{x}", "mover(x ^)"), (r"\not=", "=\u0338"),
                             ("<b>", "< b >"), (r"\constructor", None), (r"\toString", None), ("{", None), ("}", None), (r"\frac{a}", None),
                             (r"\begin{script}x\end{script}", None), ("a & b", None), ("{" * 50 + "a" + "}" * 50, None), ("a" * 2000, None), ("\\", None)):
        check(f"formula {source[:40]}", (got := page.run(f"tex({json.dumps(source)})")) == expected, got)
    check("limits stand above and below in a display", page.run(r"tex('\\sum_i^n', true)") == "munderover(∑ i n)")


server = Server()
try:
    with Browser() as browser:
        page = browser.page()
        page.open(server.url)
        page.wait(READY)
        page.intercept("*/v1/chat/completions")
        for part in (thoughts, going_on, full_context, deleting, lists, transfer, texts, formulas):
            part(page)
        page.complaints = [c for c in page.complaints if "400" not in c]  # the browser tells every refused request
        check("the page complains about nothing", page.complaints == [], page.complaints)
        page.intercept(None)
except BrowserError as e:
    check("the page does as it is told", False, e)
server.end()
finish()
