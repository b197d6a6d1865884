"""hub_server.py - a server that speaks what model hubs speak, and misbehaves on request. For pull_checks.py.

    hub = Hub(); hub.put("/files/a.gguf", data); ... hub.url + "/files/a.gguf"

A file answers GET with ETag, Range and If-Range as RFC 9110 has them. How it misbehaves is said file by file:
    statuses=[503, 429]   so many first requests get these instead
    cuts=[1000, 0]        the connection ends after so many bytes of the first answers
    ranges=False          Range is not looked at          etag=None      no ETag
    stall=True            the headers come, and no body   redirect=URL   302 to there
    headers={...}         more of them                    token="t"      401 without "Bearer t"
Hugging Face: repo() lists files and puts them where resolve/ redirects to; Ollama: model() makes a manifest and blobs.
hub.seen holds (path, headers) of every request."""
import hashlib, http.server, json, re, socket, ssl, threading, time


class Answer:
    def __init__(self, data, statuses=(), cuts=(), ranges=True, etag="", stall=False, redirect=None, headers={}, token=None,
                 if_range=True):
        self.data, self.statuses, self.cuts, self.ranges, self.stall = data, list(statuses), list(cuts), ranges, stall
        self.redirect, self.headers, self.token, self.if_range = redirect, headers, token, if_range
        self.etag = '"' + hashlib.md5(data).hexdigest() + '"' if etag == "" else etag


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def plain(self, status, headers={}, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        hub = self.server.hub
        hub.seen.append((self.path, dict(self.headers)))
        a = hub.answers.get(self.path)
        if a is None:
            return self.plain(404, {}, b"<html>not here</html>")
        if a.token and self.headers.get("Authorization") != "Bearer " + a.token:
            return self.plain(401, {"X-Error-Message": "Access to this model is restricted."}, b"{}")
        if a.statuses:
            return self.plain(a.statuses.pop(0), {"Retry-After": "1"}, b"busy" * 100)
        if a.redirect:
            return self.plain(302, {"Location": a.redirect, **a.headers})
        self.body(a)

    def body(self, a):
        data, first, status = a.data, 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        condition = self.headers.get("If-Range")
        if asked and a.ranges and (not condition or condition == a.etag or not a.if_range):
            first, status = int(asked[1]), 206
            if first >= len(data):
                return self.plain(416, {"Content-Range": f"bytes */{len(data)}"})
        self.send_response(status)
        if a.etag:
            self.send_header("ETag", a.etag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        for name, value in a.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in a.headers:
            self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self.wfile.flush()
        if a.stall:
            self.server.hub.stop.wait(60)
            self.close_connection = True
            return
        cut = a.cuts.pop(0) if a.cuts else None
        self.wfile.write(data[first:] if cut is None else data[first:first + cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that leave are what is tested


class Hub:
    def __init__(self, cert=None):
        self.answers, self.seen, self.stop = {}, [], threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.hub = self
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*cert)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if cert else 'http'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()

    def put(self, path, data, **how):
        self.answers[path] = Answer(data, **how)

    def requests(self, path):
        return [headers for seen, headers in self.seen if seen == path]

    def repo(self, name, files, revision="main", small=(), page=None, token=None, entries=(), **how):
        """files: {path: bytes}. Those in small are git's own, the others LFS. entries: more of the list as it is."""
        listed = list(entries)
        for path, data in files.items():
            sha = hashlib.sha256(data).hexdigest()
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            entry = {"type": "file", "path": path, "size": len(data), "oid": git}
            resolve = f"/{name}/resolve/{revision}/{path}"
            if path in small:
                self.put(resolve, data, token=token)
            else:
                entry["lfs"] = {"oid": sha, "size": len(data), "pointerSize": 130}
                self.put(resolve, b"", redirect=f"/cdn/{sha}", token=token, headers={"X-Linked-ETag": f'"{sha}"',
                                                                                     "X-Linked-Size": str(len(data))})
                self.put(f"/cdn/{sha}", data, **how)
            listed.append(entry)
        base = f"/api/models/{name}/tree/{revision}?recursive=true"
        page = page or len(listed) or 1
        for i in range(0, len(listed) or 1, page):
            url = base if i == 0 else f"{base}&cursor={i}"
            more = {"Link": f'<{self.url}{base}&cursor={i + page}>; rel="next"'} if i + page < len(listed) else {}
            self.put(url, json.dumps(listed[i:i + page]).encode(), headers=more, token=token, etag=None)

    def model(self, name, tag, layers, **how):
        """layers: [(kind, bytes)]"""
        listed = []
        for kind, data in layers:
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            listed.append({"mediaType": "application/vnd.ollama.image." + kind, "digest": digest, "size": len(data)})
            self.put(f"/v2/{name}/blobs/{digest}", b"", redirect=f"/blobs/{digest}")
            self.put(f"/blobs/{digest}", data, **how)
        manifest = {"schemaVersion": 2, "layers": listed, "config": {"digest": "sha256:0", "size": 1}}
        self.put(f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), etag=None)
