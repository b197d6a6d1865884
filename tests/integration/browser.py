"""browser.py - a headless Chromium, driven through the DevTools protocol over a pipe. Only the standard library.

    with Browser() as b:
        page = b.page(width=360, height=740, dark=True)
        page.open("http://127.0.0.1:8080/")
        page.wait("document.title === 'sumi'")
        page.key("Tab")

A message is one JSON object and a NUL, on file descriptors 3 and 4 of the browser. Everything that a page complains
about (exceptions, console.error, refusals of its Content-Security-Policy, failed requests) is in page.complaints."""
import base64, json, os, shutil, signal, subprocess, tempfile, time

PROGRAM = os.environ.get("SUMI_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_S = 120
KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "ArrowRight": (39, ""), "ArrowLeft": (37, ""), " ": (32, " ")}


class BrowserError(Exception):
    pass


class Browser:
    def __init__(self):
        if not PROGRAM:
            raise BrowserError("chromium is missing: apt-get install chromium")
        self.profile = tempfile.mkdtemp(prefix="sumi-browser-")
        theirs_in, self.to = os.pipe()
        self.of, theirs_out = os.pipe()

        def wire():  # by way of higher numbers, as 3 and 4 may be taken by the pipes themselves
            os.dup2(os.dup2(theirs_in, 100), 3)
            os.dup2(os.dup2(theirs_out, 101), 4)

        options = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking",
                   "--disable-component-update", "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb",
                   "--remote-debugging-pipe", "--user-data-dir=" + self.profile]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium's sandbox refuses to be root
        self.log = open(os.path.join(self.profile, "log"), "w")
        self.process = subprocess.Popen([PROGRAM, *options], preexec_fn=wire, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self.rest, self.n, self.pages = b"", 0, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.send("Browser.close")
            self.process.wait(20)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)  # the session that was started for it
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        while b"\0" not in self.rest:
            piece = os.read(self.of, 1 << 16)
            if not piece:
                with open(self.log.name) as f:
                    raise BrowserError("the browser has ended: " + f.read()[-600:])
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, session=None, **parameters):
        """Sends a command and returns its result; events that come before it are handed to their pages."""
        self.n += 1
        number, message = self.n, {"id": self.n, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            got = self.receive()
            if got.get("id") == number:
                if "error" in got:
                    raise BrowserError(f"{method}: {got['error']}")
                return got["result"]
            if "method" in got and got.get("sessionId") in self.pages:
                self.pages[got["sessionId"]].on_event(got["method"], got["params"])

    def page(self, **look):
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, target, **look)


class Page:
    def __init__(self, browser, target, width=1280, height=800, dark=False):
        self.browser, self.target, self.complaints, self.answers = browser, target, [], []
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(domain + ".enable")
        self.look(width, height, dark)

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def look(self, width, height, dark=False, motion=False, scale=1):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "no-preference" if motion else "reduce"}])

    def on_event(self, method, p):
        if method == "Runtime.exceptionThrown":
            d = p["exceptionDetails"]
            self.complaints.append(d.get("exception", {}).get("description") or d["text"])
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
        elif method == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            self.complaints.append(p["entry"]["text"] + " " + p["entry"].get("url", ""))
        elif method == "Fetch.requestPaused":
            self.answers.append(p)

    def open(self, url):
        self.send("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def reload(self):
        self.run("window.isOld = true")
        self.send("Page.reload")
        self.wait("!window.isOld && document.readyState === 'complete'")

    def close(self):
        self.browser.pages.pop(self.session)
        self.browser.send("Target.closeTarget", targetId=self.target)

    def run(self, script):
        """The value of an expression of JavaScript; promises are waited for."""
        got = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in got:
            d = got["exceptionDetails"]
            raise BrowserError(f"{script[:200]}: {d.get('exception', {}).get('description') or d['text']}")
        return got["result"].get("value")

    def wait(self, condition, what=None):
        """Until the expression is true; a page that is just being loaded has none of the names in it yet."""
        end = time.monotonic() + WAIT_S
        why = ""
        while time.monotonic() < end:
            try:
                if self.run(f"(async () => Boolean({condition}))()"):
                    return
            except BrowserError as e:
                why = str(e)
            time.sleep(0.05)
        raise BrowserError(f"never true: {what or condition} {why}")

    def key(self, name, shift=False):
        code, text = KEYS[name]
        common = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def click(self, selector):
        """With the mouse, at the middle of what is there: something that lies over it gets the click instead."""
        box = self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'nearest'}});"
                       " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], buttons=buttons,
                      button="none" if kind == "mouseMoved" else "left", clickCount=0 if kind == "mouseMoved" else 1)

    def screenshot(self, path):
        self.run("document.fonts.ready.then(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))))")
        data = self.send("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    # ---- Answers of the server that the test makes up ----

    def intercept(self, pattern):
        """Requests to pattern wait for respond(); None: none do."""
        self.send("Fetch.enable", patterns=[{"urlPattern": pattern}]) if pattern else self.send("Fetch.disable")

    def respond(self, status, body, kind="application/json"):
        """Answers the next intercepted request, and returns its body."""
        end = time.monotonic() + WAIT_S
        while not self.answers:
            if time.monotonic() > end:
                raise BrowserError("no request came")
            self.run("0")
        request = self.answers.pop(0)
        self.send("Fetch.fulfillRequest", requestId=request["requestId"], responseCode=status,
                  responseHeaders=[{"name": "Content-Type", "value": kind}], body=base64.b64encode(body.encode()).decode())
        return request["request"].get("postData")
