"""served.py - a running `sumi serve`, and how checks of it complain: what the *_checks.py of this folder share.

They are called as `*_checks.py SUMI MODEL`, and end with finish(). Waits end when something has happened, or after a
minute, which is a failure: nothing here measures time."""
import http.client, json, signal, subprocess, sys, tempfile, time

SUMI, MODEL = sys.argv[1:3]
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
failed = []


def check(what, condition, seen=""):
    if not condition:
        failed.append(what)
        if failed.count(what) <= 3 and len(failed) <= 200:
            print("FAILED:", what, str(seen)[:300], flush=True)


def finish():
    sys.exit(len(failed) > 0)


class Server:
    def __init__(self, *options, model=MODEL):
        self.stderr = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would stop the server when it is full
        command = [SUMI, "serve", model, "--port", "0", "-t", "2", "--ctx", "2048", "--log-level", "warn",
                   *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.stderr, text=True)
        line = self.process.stdout.readline()
        if "http" not in line:
            sys.exit("FAILED: no server: " + self.said())
        self.port = int(line.rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def said(self):
        """What has been written to stderr."""
        self.stderr.seek(0)
        return self.stderr.read()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def ask(self, method, path, body=None, headers={}, connection=None):
        c = connection or self.connect()
        if body is not None and not isinstance(body, (bytes, str)):
            body, headers = json.dumps(body), {"Content-Type": "application/json", **headers}
        c.request(method, path, body, headers)
        r = c.getresponse()
        data = r.read()
        try:
            data = json.loads(data)
        except ValueError:
            pass
        return r.status, data, r.headers

    def metric(self, name):
        page = self.ask("GET", "/metrics")[1].decode()
        return sum(float(l.rsplit(" ", 1)[1]) for l in page.splitlines() if l.startswith(name))

    def wait_for(self, what, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.1)
        check(what, False, "not within a minute")

    def end(self, silent=True):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(600)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "none"
        check("SIGTERM ends with exit code 0", code == 0, code)
        check("nothing is said on stderr", (said := self.said()) == "" or not silent, said)


def is_openai_error(error):
    """The fields of an error of OpenAI's API; with those of llama.cpp, if a prompt is too long."""
    full = {"n_prompt_tokens", "n_ctx"} if isinstance(error, dict) and error.get("code") == "context_length_exceeded" else set()
    return isinstance(error, dict) and set(error) == {"message", "type", "param", "code"} | full


def chat(text, **more):
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, **more}


def events(raw):
    return [part[6:] for part in raw.decode().split("\n\n") if part.startswith("data: ")]


def stream(s, path, body):
    status, raw, headers = s.ask("POST", path, {**body, "stream": True})
    check("a stream is one", headers["Content-Type"].startswith("text/event-stream"), headers)
    parts = events(raw)
    check("a stream ends with [DONE]", parts[-1] == "[DONE]", parts[-1])
    return [json.loads(p) for p in parts[:-1]]
