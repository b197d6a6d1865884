"""crash_checks.py - `sumi serve` killed while it writes its prefix cache: the next start works, and answers the same.

usage: crash_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line
The cache is written at the end: SIGTERM, and SIGKILL as soon as a file is there that is not whole, or some time later."""
import os, random, signal, tempfile, time

from served import TEXT, Server, check, finish

ROUNDS = 8


def prompt(seed, n=400):
    rng = random.Random(seed)
    return {"prompt": [rng.randrange(288) for _ in range(n)], "temperature": 0, "max_tokens": 4, "ignore_eos": True}


def start(folder):
    return Server("--prefix-cache", folder, "--kv-memory", "64M")


def text(s, seed):
    status, answer, _ = s.ask("POST", TEXT, prompt(seed))
    check("it answers", status == 200, (status, answer))
    return answer["choices"][0]["text"], answer["usage"]["prompt_tokens_details"]["cached_tokens"]


def state(folder):
    return {name: os.stat(os.path.join(folder, name)).st_mtime_ns for name in os.listdir(folder)}


def kill_while_it_writes(s, folder, rng):
    """Whether it was in the middle of it."""
    before = state(folder)
    s.process.send_signal(signal.SIGTERM)
    while s.process.poll() is None and state(folder) == before:
        pass
    time.sleep(rng.choice([0, rng.uniform(0, 0.05)]))
    s.process.kill()
    return s.process.wait() == -signal.SIGKILL


with tempfile.TemporaryDirectory() as folder:
    rng = random.Random(1)
    s = start(folder)
    wanted, _ = text(s, 0)
    s.end()
    s = start(folder)
    check("the next start knows the prompt", text(s, 0)[1] > 0)
    n_killed = 0
    for i in range(ROUNDS):
        for k in range(4):
            text(s, 1 + 4 * i + k)  # something new to write
        n_killed += kill_while_it_writes(s, folder, rng)
        s = start(folder)
        check("the next start removes what was not complete", all(n.endswith((".kv", ".key")) for n in os.listdir(folder)),
              os.listdir(folder))
        got, n_cached = text(s, 0)
        check("after a crash it answers the same", got == wanted, (i, got, wanted))
    print(f"{n_killed} of {ROUNDS} times it was killed before its end")
    check("it was killed while it wrote", n_killed > 0, n_killed)
    s.end()
    s = start(folder)
    check("what was written last is known", text(s, 0)[1] > 0)
    s.end()
finish()
