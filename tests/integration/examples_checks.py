"""examples_checks.py - the examples of examples/ that ask a server do what they promise.

usage: examples_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import os, subprocess, sys

from served import Server, check, finish

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")

server = Server()
for name, program in ("curl.sh", "bash"), ("openai_chat.py", sys.executable), ("anthropic_chat.py", sys.executable):
    ran = subprocess.run([program, os.path.join(EXAMPLES, name), server.url], capture_output=True, text=True, timeout=600)
    check(f"{name} works", ran.returncode == 0 and "Paris" in ran.stdout and not ran.stderr,
          (ran.returncode, ran.stdout, ran.stderr))
server.end()
finish()
