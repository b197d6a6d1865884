"""terminal_checks.py - what somebody at a terminal sees of the commands that are no chat: hints, Ctrl-C, Ctrl-D, bars.

usage: terminal_checks.py SUMI MODEL     Each command runs on a pseudo-terminal of its own."""
import fcntl, os, pty, re, select, struct, sys, tempfile, termios, time, unicodedata

SUMI, MODEL = sys.argv[1:3]
WAIT_S = 120
HINT = "Ctrl-D on an empty line ends the text"
failed = []


def check(what, condition, seen=""):
    if not condition:
        failed.append(what)
        print("FAILED:", what, repr(seen)[-600:], flush=True)


class Terminal:
    def __init__(self, *args, columns=80):
        self.out, self.code = "", None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.environ.pop("COLUMNS", None)
            os.execv(SUMI, [SUMI, *args])

    def more(self, seconds):
        """Reads what comes; False: the program has ended."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.out += data.decode(errors="replace")
        return bool(data)

    def wait(self, text):
        end = time.monotonic() + WAIT_S
        while text not in self.out and time.monotonic() < end and self.more(1):
            pass
        check(f"{text} is shown", text in self.out, self.out)

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end and self.more(1):
            pass
        status = os.waitpid(self.pid, 0)[1]
        self.code = os.waitstatus_to_exitcode(status)
        os.close(self.fd)
        return self.code


def reading():
    for args in (("tokenize", MODEL), ("run", MODEL, "-f", "-", "-n", "3", "-t", "2", "--raw"), ("detokenize", MODEL)):
        t = Terminal(*args)
        t.wait(HINT)
        t.send("1 2\n")
        t.wait("1 2")
        t.send("\x04")
        check(f"{args[0]}: one Ctrl-D ends the text", t.end() == 0, (t.code, t.out))
    for args in (("tokenize", MODEL), ("run", MODEL, "-f", "-")):
        t = Terminal(*args)
        t.wait(HINT)
        t.send("text\n\x03")
        check(f"{args[0]}: Ctrl-C ends with 130", t.end() in (130, -2), (t.code, t.out))
        check(f"{args[0]}: and without a complaint", "sumi:" not in t.out and "Interrupted" not in t.out, t.out)


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def bars():
    for columns in (40, 80):
        with tempfile.TemporaryDirectory() as folder:
            t = Terminal("convert", MODEL, os.path.join(folder, "out.gguf"), "--type", "Q8_0", columns=columns)
            check("convert works", t.end() == 0, t.out)
            bar = [l for l in re.split(r"[\r\n]", t.out.replace("\x1b[K", "")) if "% " in l]
            check("a bar is shown", bar, t.out)
            check(f"it fits {columns} columns", all(width(l) < columns for l in bar), bar)


reading()
bars()
sys.exit(len(failed) > 0)
