"""web_checks.py - the page at / in a browser, on a real model: what a person does with it, and what must never happen.

usage: web_checks.py SUMI MODEL PICTURES    PICTURES: a folder for pictures of the page, in both widths and colours"""
import json, os, sys

from browser import Browser, BrowserError
from served import CHAT, Server, chat, check, finish

PICTURES = sys.argv[3]
os.makedirs(PICTURES, exist_ok=True)

DONE = "document.querySelector('article.answer:last-child') && !document.querySelector('.answer.running')"
LONG = "Write a long story about the sea."  # the answer fills the context
POLICY = ("default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")
HTML = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>'

# Text and what it stands on: the names of elements whose contrast is below 4.5 (WCAG 2.2, 1.4.3).
FAINT = """(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
                          return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
                          .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
                            return rgba('Canvas'); };
    return [...document.querySelectorAll('body *')].filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) &&
        e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !e.closest('.hidden, .skip, :disabled'))
        .map((e) => { const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
                      return [(a + 0.05) / (b + 0.05), e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 20)]; })
        .filter(([ratio]) => ratio < 4.5);
})()"""
WIDE = "[document.documentElement.scrollWidth, innerWidth]"
READY = "document.querySelector('#model').textContent === 'smollm2'"  # the last that a page does to start


def last(page, part):
    return page.run(f"document.querySelector('article.answer:last-child {part}')?.textContent")


def start(page, server, path="/"):
    page.open(server.url + path)
    page.wait(READY)


def again(page):
    """Loads the page again, and waits for more than the browser does: the page's own start goes on after the load."""
    page.reload()
    page.wait(READY)


def ask(page, text):
    page.run("document.querySelector('#text').focus()")
    page.type(text)
    page.key("Enter")
    page.wait("document.querySelector('.question:nth-last-child(2)')?.textContent.includes(" + json.dumps(text.split("\n")[0]) + ")")


def ask_long(page):
    page.click("#new")
    ask(page, LONG)
    page.wait("document.querySelector('.answer.running .markdown')?.textContent.length > 10", "a long answer has begun")


def set_number(page, name, value):
    page.run(f"(() => {{ const e = document.querySelector('#set-{name}'); e.value = {json.dumps(value)};"
             " e.dispatchEvent(new Event('input')); })()")


def looked_at(page, name):
    """Pictures in both widths and colours; nothing is wider than the screen, and nothing too faint."""
    for width, height, what in ((1280, 800, "wide"), (360, 740, "phone")):
        for dark in (False, True):
            page.look(width, height, dark)
            page.screenshot(os.path.join(PICTURES, f"{name}-{what}-{'dark' if dark else 'light'}.png"))
            size = page.run(WIDE)
            check(f"{name}: no wider than {width}", size[0] <= size[1] == width, size)
            check(f"{name}: every text has contrast, {'dark' if dark else 'light'}", (faint := page.run(FAINT)) == [], faint)
    page.look(1280, 800)
    page.wait("!document.querySelector('#main').inert")  # what lay over it stands beside it again


def files(server):
    for method in ("GET", "HEAD"):
        status, body, headers = server.ask(method, "/")
        check(f"{method} / is a page", status == 200 and headers["Content-Type"].startswith("text/html"), headers)
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")):
        status, body, headers = server.ask("GET", "/web/" + name)
        check(name + " has its type", status == 200 and headers["Content-Type"].startswith(kind), headers)
        check(name + " has the policy", all(p in headers["Content-Security-Policy"] for p in POLICY) and
              "unsafe" not in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff" and
              headers["Referrer-Policy"] == "no-referrer", headers)
    for path in ("/web/", "/web/other.js", "/web/../web/app.js", "/web/%2e%2e/README.md", "/web/README.md", "/index.html"):
        check(path + " is 404", (got := server.ask("GET", path))[0] == 404, got)
    check("POST / is 405", server.ask("POST", "/", {})[0] == 405)
    stats = server.ask("GET", "/stats")[1]
    check("/stats tells the state", stats["state"] == "ready" and stats["model"] == "smollm2" and stats["kv"]["blocks"] > 0 and
          stats["tokens"]["context"] == 2048, stats)


def conversation(browser, page, server):
    """Sends, sees it stream, finds it again after loading the page again."""
    start(page, server)
    # The likeliest token each time, so that answers are what they were: long where one is stopped.
    page.run("localStorage.setItem('sumi.settings', '{\"temperature\": 0}')")
    again(page)
    check("who needs no key is told nothing of keys", page.run("document.querySelector('#key-button').hidden"))
    check("one can write at once", page.run("document.activeElement.id") == "text")
    check("nothing can be sent yet", page.run("document.querySelector('#send').disabled"))
    before = server.ask("GET", "/stats")[1]["tokens"]["generated"]
    page.run("""window.lengths = []; new MutationObserver(() => {
        const n = document.querySelector('.answer .markdown')?.textContent.length ?? 0;
        if (document.querySelector('.answer.running') && n > (lengths.at(-1) ?? 0)) lengths.push(n);
    }).observe(document.querySelector('#thread'), { subtree: true, childList: true, characterData: true }); 0""")
    page.run("document.querySelector('#text').focus()")
    page.type("What is the capital")
    page.key("Enter", shift=True)
    page.type("of France? Tell me five facts about it.")
    check("Shift+Enter makes a new line", page.run("document.querySelector('#text').value").count("\n") == 1)
    page.key("Enter")
    page.wait(DONE)
    text = last(page, ".markdown")
    lengths = page.run("lengths")
    check("the answer streams", lengths and lengths == sorted(set(lengths)) and lengths[0] < len(text), (lengths, len(text)))
    check("the model answers", "Paris" in text, text)
    generated = server.ask("GET", "/stats")[1]["tokens"]["generated"] - before
    numbers = last(page, ".numbers")
    check("its tokens and speed are told", numbers.startswith(f"{generated} tokens · ") and " tokens/s · first after " in numbers and
          "prompt " in numbers, (generated, numbers))
    check("the question is the title", page.run("document.querySelector('#title').textContent") == "What is the capital")
    again(page)
    page.wait(DONE)
    check("it is there again after loading the page again", last(page, ".markdown") == text and last(page, ".numbers") == numbers)
    other = browser.page()
    start(other, server)
    check("a new tab begins a new conversation", other.run("document.querySelectorAll('article').length") == 0)
    other.wait("document.querySelector('#conversations .name')")
    other.click("#conversations .name")
    other.wait(DONE)
    check("and finds the others", last(other, ".markdown") == text)
    check("the other tab complains about nothing", other.complaints == [], other.complaints)
    other.close()


def stop(page, server):
    cancelled = server.ask("GET", "/stats")[1]["requests"]["cancelled"]
    ask_long(page)
    check("the button says stop", "Stop" in page.run("document.querySelector('#send').ariaLabel"))
    page.key("Escape")
    page.wait(DONE)
    check("Escape stops", "stopped" in last(page, ".numbers"), last(page, ".numbers"))
    check("what was said stays", len(last(page, ".markdown")) > 10)
    server.wait_for("the engine stops too", lambda: server.ask("GET", "/stats")[1]["requests"]["cancelled"] == cancelled + 1)
    ask_long(page)
    page.click("#send")
    page.wait(DONE)
    check("the button stops", "stopped" in last(page, ".numbers"))
    ask_long(page)
    page.wait("await new Promise((r) => { indexedDB.open('sumi').onsuccess = (e) => { const q = e.target.result.transaction"
              "('conversations').objectStore('conversations').getAll(); q.onsuccess = () => r(q.result.some((c) => c.nodes.some"
              "((n) => n.state === 'running' && n.text.length > 10))); }; })", "an answer is stored while it streams")
    again(page)
    page.wait(DONE)
    check("what streamed when the page went is kept, as stopped", "stopped" in last(page, ".numbers") and len(last(page, ".markdown")) > 10)


def versions(page):
    """Editing and answering again keep what was there."""
    page.click("#new")
    page.click("#settings-button")
    set_number(page, "max_tokens", "12")
    set_number(page, "temperature", "1")
    ask(page, "Write a long story about cats.")
    page.wait(DONE)
    first = last(page, ".markdown")
    check("the limit of tokens is told", "cut off" in last(page, ".numbers"), last(page, ".numbers"))
    page.click(".question .edit")
    page.wait("document.activeElement.tagName === 'TEXTAREA'")
    page.run("document.activeElement.select()")
    page.type("Write a long story about ships.")
    page.key("Enter")
    page.wait("document.querySelector('.question').textContent.includes('ships')")
    page.wait(DONE)
    check("an edited message is another version", page.run("document.querySelector('.question .versions').textContent") == "2 / 2")
    page.click(".question .versions button")
    page.wait("document.querySelector('.question').textContent.includes('cats')")
    check("the earlier one has its answer", last(page, ".markdown") == first, last(page, ".markdown"))
    check("the focus stays with the versions", page.run("document.activeElement.closest('.versions') !== null"))
    set_number(page, "seed", "7")
    page.click(".again")
    page.wait("document.querySelector('.answer .versions')?.textContent === '2 / 2'")
    page.wait(DONE)
    page.click(".again")
    page.wait("document.querySelector('.answer .versions')?.textContent === '3 / 3'")
    page.wait(DONE)
    third = last(page, ".markdown")
    page.click(".answer .versions button")
    page.wait("document.querySelector('.answer .versions').textContent === '2 / 3'")
    check("the same seed, the same answer", last(page, ".markdown") == third, (last(page, ".markdown"), third))
    page.click(".question .edit")
    page.key("Escape")
    check("Escape ends editing", page.run("document.querySelector('.editor') === null && document.activeElement.classList.contains('edit')"))
    page.run("document.querySelector('.settings > button').click()")
    check("settings go back to the usual values", page.run("document.querySelector('#set-seed').value") == "")
    page.click("#panel-close")


def system_prompt(page):
    page.click("#new")
    page.click("#settings-button")
    page.run("(() => { const e = document.querySelector('#set-system'); e.value = 'You are a pirate.'; e.dispatchEvent(new Event('input')); })()")
    set_number(page, "temperature", "0.25")
    looked_at(page, "settings")
    page.intercept("*/v1/chat/completions")
    ask(page, "Hello")
    sent = json.loads(page.respond(200, 'data: {"choices":[{"index":0,"delta":{"content":"Arr"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
                                   "text/event-stream"))
    page.wait(DONE)
    page.intercept(None)
    check("system prompt and settings are sent", sent["messages"] == [{"role": "system", "content": "You are a pirate."},
          {"role": "user", "content": "Hello"}] and sent["temperature"] == 0.25 and "seed" not in sent and sent["stream"], sent)
    again(page)
    page.wait(DONE)
    check("they belong to the conversation", page.run("document.querySelector('#set-system')?.value") == "You are a pirate.")
    page.run("document.querySelector('.settings > button').click()")
    page.run("(() => { const e = document.querySelector('#set-system'); e.value = ''; e.dispatchEvent(new Event('input')); })()")
    page.click("#panel-close")


def hostile(page):
    """Markup in what the model says, in messages and in titles stays text."""
    page.click("#new")
    page.intercept("*/v1/chat/completions")
    ask(page, HTML)
    text = HTML + "\n\n[click](javascript:window.hacked=1) ![x](https://evil.example/x.png)\n\n```python\n" + HTML + "\n# a comment\nif x > 0x1f: print('yes')\n```\n\n| " + HTML + " |\n|---|\n"
    chunks = [{"choices": [{"index": 0, "delta": {"content": text[i:i + 7]}}]} for i in range(0, len(text), 7)]
    page.respond(200, "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n", "text/event-stream")
    page.wait(DONE)
    page.intercept(None)
    check("HTML of a model is text", page.run("[...document.querySelectorAll('article img, article script, article b, #sidebar b, #title *')].length") == 0)
    check("and all of it", last(page, ".markdown").count(HTML) == 3 and page.run("document.querySelectorAll('.t-comment, .t-word, .t-number, .t-string, .t-call').length") >= 5, last(page, ".markdown"))
    check("HTML of a message is text", page.run("document.querySelector('.bubble').textContent") == HTML)
    looked_at(page, "markdown")
    check("no link runs a script", page.run("[...document.querySelectorAll('article a')].map((a) => a.href)") == ["https://evil.example/x.png"])
    again(page)
    page.wait(DONE)
    check("nothing of it runs", page.run("window.hacked === undefined"))
    check("the page has complained about nothing", page.complaints == [], page.complaints)


def errors(page):
    page.click("#new")
    page.intercept("*/v1/chat/completions")
    ask(page, "Say yes.")
    page.respond(429, '{"error": {"message": "256 requests wait: the queue is full", "type": "rate_limit_error"}}')
    page.wait("document.querySelector('.answer .failure')")
    check("a refusal is shown in one line", last(page, ".failure span") == "256 requests wait: the queue is full", last(page, ".failure"))
    page.run("document.querySelector('.failure button').click()")
    page.respond(200, 'data: {"choices":[{"index":0,"delta":{"content":"Yes, b"}}]}\n\ndata: {"error":{"message":"the engine failed"}}\n\ndata: [DONE]\n\n',
                 "text/event-stream")
    page.wait("document.querySelector('.failure')?.textContent.includes('the engine failed')")
    check("what came before an error stays", last(page, ".markdown") == "Yes, b")
    page.run("document.querySelector('.failure button').click()")
    page.respond(200, 'data: {"choices":[{"index":0,"delta":{"content":"Yes, b"}}]}\n\n', "text/event-stream")
    page.wait("document.querySelector('.failure')?.textContent.includes('connection ended')")
    page.intercept(None)
    page.run("document.querySelector('.failure button').click()")
    page.wait("document.querySelector('.answer .versions')?.textContent === '4 / 4'")
    page.wait(DONE)
    check("trying again answers", page.run("!document.querySelector('.failure')") and last(page, ".markdown") != "")
    page.complaints = [c for c in page.complaints if "429" not in c]  # the browser tells every refused request


def conversations(page):
    def titles():
        return page.run("[...document.querySelectorAll('#conversations .name')].map((e) => e.textContent)")
    before = titles()
    check("conversations are listed, the newest first", len(before) >= 4 and before[0] == "Say yes.", before)
    page.click("#conversations li:first-child .icon")
    page.wait("document.activeElement.ariaLabel === 'Title'")
    page.run("document.activeElement.select()")
    page.type("Affirmation")
    page.key("Enter")
    page.wait("document.querySelector('#title').textContent === 'Affirmation'")
    page.wait("document.querySelector('#conversations .name')?.textContent === 'Affirmation'")
    page.click("#conversations li:first-child .icon:last-child")
    page.wait(f"document.querySelectorAll('#conversations li').length === {len(before) - 1}")
    check("a deleted one is gone", "Affirmation" not in titles(), titles())
    page.click(".toast button")
    page.wait(f"document.querySelectorAll('#conversations li').length === {len(before)}")
    page.wait("document.querySelector('#title').textContent === 'Affirmation'")


def live(page, server):
    asked = 'http_requests_total{path="/stats"'
    page.click("#live-button")
    page.wait("document.querySelector('.live .totals dd')")
    c = server.connect()
    c.request("POST", CHAT, json.dumps({**chat("Tell a story."), "ignore_eos": True}), {"Content-Type": "application/json"})
    page.wait("document.querySelectorAll('.tile')[1].querySelector('strong').textContent === '1'", "a running request is shown")
    page.wait("parseFloat(document.querySelectorAll('.tile')[0].querySelector('strong').textContent) > 0", "the speed is shown")
    page.wait("document.querySelectorAll('.cells .own, .cells .shared').length > 0", "blocks of the cache are shown")
    page.wait("document.querySelector('.chart .line').getAttribute('d').split('L').length > 2", "the line grows")
    c.close()
    page.wait("document.querySelectorAll('.tile')[1].querySelector('strong').textContent === '0'", "an idle server is shown")
    looked_at(page, "live")
    page.send("Page.bringToFront")
    page.click("#live-button")
    page.wait("document.querySelector('#panel').hidden")
    page.run("new Promise((r) => setTimeout(r, 1500))")  # one that was under way
    before = server.metric(asked)
    page.run("new Promise((r) => setTimeout(r, 2500))")
    check("nobody looks, nothing is asked", 0 < server.metric(asked) == before, (server.metric(asked), before))
    page.click("#live-button")
    page.wait("document.querySelector('.live .totals dd')")
    server.wait_for("it goes on", lambda: server.metric(asked) >= before + 2)
    page.run("Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
             " document.dispatchEvent(new Event('visibilitychange'))")
    page.run("new Promise((r) => setTimeout(r, 1500))")
    before = server.metric(asked)
    page.run("new Promise((r) => setTimeout(r, 2500))")
    check("a hidden page asks nothing", server.metric(asked) == before, (server.metric(asked), before))
    page.run("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
    server.wait_for("a page that is seen again asks again", lambda: server.metric(asked) > before)
    page.click("#panel-close")


def keyboard(page):
    """Every control is reached with Tab, has a name, and shows that it has the focus."""
    names = set()
    page.key("Tab")  # from here on the browser shows where the focus is
    page.run("document.querySelector('.skip').focus()")
    for _ in range(60):
        got = page.run("(() => { const e = document.activeElement, s = getComputedStyle(e); const r = e.getBoundingClientRect();"
                       " const shown = s.outlineStyle !== 'none' || e.closest('#composer') || e.matches('.segments input');"
                       " return [e.id || e.className, e.ariaLabel || e.title || e.textContent.trim() || e.labels?.[0]?.textContent || '',"
                       " Boolean(shown), r.width > 0]; })()")
        check("what has the focus has a name, and shows it", got[1] and got[2] and got[3], got)
        names.add(got[0])
        page.key("Tab")
        if page.run("document.activeElement === document.body || document.activeElement.matches('.skip')"):
            break
    wanted = {"skip", "new", "name", "settings-button", "live-button", "thread", "text", "icon again", "icon edit"}
    check("Tab reaches everything", wanted <= names, wanted - names)
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    nameless = [n["role"]["value"] for n in tree if not n.get("ignored") and n.get("role", {}).get("value") in
                ("button", "textbox", "spinbutton", "slider", "checkbox", "radio", "link", "dialog", "navigation", "complementary")
                and not n.get("name", {}).get("value")]
    check("every control has a name", nameless == [], nameless)


def phone(page):
    page.look(360, 740)
    page.run("document.querySelector('#menu').focus()")
    page.key("Enter")
    page.wait("document.querySelector('#sidebar').classList.contains('open')")
    check("the list takes the focus", page.run("document.activeElement.closest('#sidebar') !== null && document.querySelector('#main').inert"))
    page.screenshot(os.path.join(PICTURES, "list-phone-light.png"))
    page.key("Escape")
    check("Escape closes it", page.run("document.activeElement.id === 'menu' && !document.querySelector('#main').inert"))
    page.run("document.querySelector('#settings-button').focus()")
    page.key("Enter")
    check("the panel takes the focus", page.run("document.activeElement.closest('#panel') !== null && document.querySelector('#main').inert"))
    page.key("Escape")
    check("Escape closes it too", page.run("document.activeElement.id === 'settings-button' && document.querySelector('#panel').hidden"))
    page.look(1280, 800)


def colours(page):
    page.run("document.querySelector('input[value=dark]').click()")
    again(page)
    dark = "getComputedStyle(document.documentElement).colorScheme"
    check("chosen colours stay", page.run(dark) == "dark" and page.run("document.querySelector('input[value=dark]').checked"))
    page.run("document.querySelector('input[value=auto]').click()")


def keys(browser):
    hashes = "alice ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"  # of abc
    path = os.path.join(PICTURES, "keys")
    with open(path, "w") as f:
        f.write(hashes)
    server, page = Server("--api-key-file", path), browser.page()
    check("/stats needs a key", server.ask("GET", "/stats")[0] == 401)
    page.open(server.url)
    page.wait("document.querySelector('#key-dialog').open")
    check("the field has the focus", page.run("document.activeElement.id") == "key")
    page.type("wrong")
    page.key("Enter")
    page.wait("document.querySelector('#key-dialog').open && document.querySelector('#key-message').textContent.includes('not known')")
    page.screenshot(os.path.join(PICTURES, "key-wide-light.png"))
    page.type("abc")
    page.key("Enter")
    page.wait(READY)
    ask(page, "Say yes.")
    page.wait(DONE)
    check("with a key one is answered", last(page, ".markdown") not in ("", None), last(page, ""))
    again(page)
    check("the key ends with the tab", page.run("localStorage.getItem('sumi.key') === null && sessionStorage.getItem('sumi.key') === 'abc'"))
    page.click("#key-button")
    page.wait("document.querySelector('#key-dialog').open")
    page.type("abc")
    page.click("#key-remember")
    page.key("Enter")
    page.wait("localStorage.getItem('sumi.key') === 'abc' && sessionStorage.getItem('sumi.key') === null", "a key is kept if asked for")
    page.click("#key-button")
    page.click("#key-forget")
    page.wait("localStorage.getItem('sumi.key') === null", "a key is forgotten")
    page.close()
    server.end()


def without_page():
    server = Server("--no-web")
    status, body, headers = server.ask("GET", "/")
    check("without the page / says who is there", status == 200 and b"sumi" in body and headers["Content-Type"].startswith("text/plain"), body)
    check("and its files are not there", server.ask("GET", "/web/app.js")[0] == 404)
    server.end()


def gone(page, server):
    server.end()
    page.click("#new")
    ask(page, "Are you there?")
    page.wait("document.querySelector('.answer .failure')")
    check("a server that is gone is told", "does not answer" in last(page, ".failure"), last(page, ".failure"))
    page.complaints = [c for c in page.complaints if "ERR_CONNECTION_REFUSED" not in c]


server = Server()
try:
    files(server)
    with Browser() as browser:
        page = browser.page()
        start(page, server)
        looked_at(page, "welcome")
        conversation(browser, page, server)
        looked_at(page, "answer")
        stop(page, server)
        versions(page)
        system_prompt(page)
        hostile(page)
        errors(page)
        conversations(page)
        keyboard(page)
        phone(page)
        colours(page)
        live(page, server)
        keys(browser)
        gone(page, server)
        check("the page complains about nothing", page.complaints == [], page.complaints)
    without_page()
except BrowserError as e:
    check("the page does as it is told", False, e)
finish()
