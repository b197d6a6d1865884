"""proxies_checks.py - what tests/long/test_proxies.sh asks of nginx and HAProxy in front of a running `sumi serve`.

usage: proxies_checks.py SUMI MODEL        exit code 0: everything held; each failure is one line"""
import http.client, json, os, socket, ssl, subprocess, tempfile

from served import CHAT, Server, chat, check, finish


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def fill(path, *pairs):
    text = open(path).read()
    for old, new in pairs:
        check(f"{path} has '{old}'", old in text)
        text = text.replace(old, new)
    return text


def nginx(folder, port, s):
    site = fill("deploy/nginx/sumi.conf", ("127.0.0.1:8080", f"127.0.0.1:{s.port}"), ("443 ssl", f"127.0.0.1:{port} ssl"),
                ("/etc/letsencrypt/live/llm.example/fullchain.pem", f"{folder}/cert.pem"),
                ("/etc/letsencrypt/live/llm.example/privkey.pem", f"{folder}/key.pem"))
    open(f"{folder}/nginx.conf", "w").write(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n" + "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) + site + "}\n")
    return ["nginx", "-p", folder, "-c", f"{folder}/nginx.conf"]


def haproxy(folder, port, s):
    open(f"{folder}/both.pem", "w").write(open(f"{folder}/cert.pem").read() + open(f"{folder}/key.pem").read())
    open(f"{folder}/haproxy.cfg", "w").write(fill(
        "deploy/haproxy/haproxy.cfg", ("127.0.0.1:8080", f"127.0.0.1:{s.port}"), ("bind :443", f"bind 127.0.0.1:{port}"),
        ("/etc/haproxy/llm.example.pem", f"{folder}/both.pem")))
    return ["haproxy", "-db", "-f", f"{folder}/haproxy.cfg"]


def try_proxy(name, make):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                        f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-days", "2", "-subj", "/CN=llm.example", "-addext",
                        "subjectAltName=DNS:llm.example"], check=True, capture_output=True)
        s = Server("--trusted-proxy", "127.0.0.1", "--allowed-host", "llm.example", "--log-level", "info", "--max-connections-ip", "3")
        port = free_port()
        p = subprocess.Popen(make(folder, port, s), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        context = ssl.create_default_context(cafile=f"{folder}/cert.pem")

        def connect(source="127.0.0.2"):  # not the proxy's own address, which is trusted
            c = http.client.HTTPSConnection("llm.example", port, timeout=60, context=context)
            c._create_connection = lambda address, *rest, **more: socket.create_connection(
                ("127.0.0.1", port), 60, (source, 0))
            return c

        def up():
            try:
                return s.ask("GET", "/health", connection=connect())[0] == 200
            except OSError:
                return False

        s.wait_for(f"{name}: it answers", up)
        status, body, headers = s.ask("POST", CHAT, chat("Hi", max_tokens=2), {"X-Forwarded-For": "203.0.113.9"}, connect())
        check(f"{name}: a chat", status == 200 and body["choices"], body)
        told = lambda: [l for l in s.said().splitlines() if f"POST {CHAT}" in l]
        s.wait_for(f"{name}: it is logged", told)
        lines = told()
        check(f"{name}: the client is who it is, not who it says", lines and " client=127.0.0.2 " in lines[-1], lines)
        check(f"{name}: one id", headers["X-Request-Id"] in lines[-1] and not headers["X-Request-Id"].startswith("req-"), headers)
        c = connect()
        c.request("POST", CHAT, json.dumps(chat("Count to 100", max_tokens=1500, ignore_eos=True, stream=True)),
                  {"Content-Type": "application/json"})
        r = c.getresponse()
        first = r.read1(100)
        check(f"{name}: a stream begins", first.startswith(b"data: "), first)
        s.wait_for(f"{name}: before its end", lambda: s.metric("vllm:num_requests_running{") == 1)
        check(f"{name}: to its end", r.read().rstrip().endswith(b"[DONE]"))
        busy = [connect() for _ in range(3)]
        for b in busy:
            b.request("POST", CHAT, json.dumps(chat("x", max_tokens=1500, ignore_eos=True, stream=True)),
                      {"Content-Type": "application/json"})
            b.getresponse().read1(10)
        status, body, _ = s.ask("GET", "/v1/models", connection=connect())
        check(f"{name}: one client has its limit", status == 429 and body["error"]["code"] == "too_many_connections", body)
        check(f"{name}: another one is served", s.ask("GET", "/v1/models", connection=connect("127.0.0.3"))[0] == 200)
        for b in busy:
            b.close()
        s.wait_for(f"{name}: who leaves stops what was made for it", lambda: s.metric("vllm:num_requests_running{") == 0)
        status = s.ask("GET", "/metrics", connection=connect())[0]
        check(f"{name}: numbers are not for everybody", status == 403, status)
        p.terminate()
        p.wait(60)
        s.end(silent=False)


try_proxy("nginx", nginx)
try_proxy("haproxy", haproxy)
finish()
