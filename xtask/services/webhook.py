"""A receiver of webhooks: webhook.py OUTPUT HTTP_PORT HTTPS_PORT MTLS_PORT CERTIFICATE KEY CA

What it accepts becomes a line of OUTPUT, on disk before the answer:
{"path", "headers" (names in lower case), "body" (decompressed), "signature": "valid" | "invalid" | "none"}

    POST /status/NNN   is answered NNN (429 and 503 with Retry-After: 7) and not kept
    POST /token/…      wants `Authorization: Bearer right-token`
    POST /redirect     is answered 307, to this server under its other name (localhost for 127.0.0.1)
    POST /services/collector/…  is answered as Splunk's HTTP Event Collector does: {"text":"Success","code":0}, and
                       {"text":"No data","code":5} with 400 to an empty body, which is not kept
    POST /slack/…, /pagerduty/…  are answered as these places do (slack_and_pagerduty.py), and kept whatever the answer,
                       with its "status"
    POST anything      is kept and answered 200
    HEAD anything      is answered as POST would be, as far as tokens and redirects go
    GET  anything      is answered 200: the server is there

A body of more than 1 MiB, decompressed, is answered 413, one that can't be decompressed 400. With WEBHOOK_SECRET
set, a request that bears a wrong signature is answered 401.
"""

import gzip
import hashlib
import hmac
import io
import json
import os
import re
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.dont_write_bytecode = True  # no __pycache__ beside the sources

import slack_and_pagerduty

OUTPUT, HTTP_PORT, HTTPS_PORT, MTLS_PORT, CERTIFICATE, KEY, CA = sys.argv[1:]
SECRET = os.environ.get("WEBHOOK_SECRET", "").encode()
LIMIT = 1024 * 1024

output = open(OUTPUT, "ab")
one_at_a_time = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(200)

    def do_HEAD(self):
        if slack_and_pagerduty.answers(self.path):
            self.answer(405)
        elif not self.turned_away():
            self.answer(200)

    def do_POST(self):
        raw = self.read_body()
        if raw is None:
            return self.answer(413)
        if self.turned_away():
            return
        collector = self.path.startswith("/services/collector/")
        if collector and not raw:
            return self.answer(400, body={"text": "No data", "code": 5})
        try:
            body = decompress(raw, self.headers["Content-Encoding"])
        except (OSError, EOFError, UnicodeDecodeError, ValueError):
            return self.answer(400)
        if body is None:
            return self.answer(413)
        signature = check(self.headers["X-Audit-Signature"], raw)
        if signature == "invalid":
            return self.answer(401)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = {"path": self.path, "headers": headers, "body": body, "signature": signature}
        if slack_and_pagerduty.answers(self.path):
            status, more, said = slack_and_pagerduty.answer(self.path, headers.get("content-type"), body)
            keep({**request, "status": status})
            return self.answer(status, more, said)
        keep(request)
        self.answer(200, body={"text": "Success", "code": 0} if collector else None)

    def turned_away(self):
        """Whether it was answered for its path or its token."""
        if status := re.match(r"/status/(\d{3})\b", self.path):
            self.answer(int(status[1]), {"Retry-After": "7"} if status[1] in ("429", "503") else {})
        elif self.path.startswith("/token/") and self.headers["Authorization"] != "Bearer right-token":
            self.answer(401)
        elif self.path.startswith("/redirect"):
            self.answer(307, {"Location": self.elsewhere()})
        else:
            return False
        return True

    def read_body(self):
        """None if it is too large: not even read, and the connection is over."""
        if self.headers["Transfer-Encoding"] == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        length = int(self.headers["Content-Length"] or 0)
        if length > 64 * LIMIT:
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def elsewhere(self):
        host, port = self.headers["Host"].rsplit(":", 1)
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        other = "localhost" if host == "127.0.0.1" else "127.0.0.1"
        return f"{scheme}://{other}:{port}/redirected"

    def answer(self, status, headers={}, body=None):
        text = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body else b""
        self.send_response(status)
        if text:
            self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def decompress(raw, encoding):
    """None if it is too large: a small body may hide gigabytes."""
    if encoding == "gzip":
        raw = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(LIMIT + 1)
    elif encoding:
        raise ValueError(encoding)
    return raw.decode() if len(raw) <= LIMIT else None


def check(header, raw):
    """X-Audit-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "<t>.<body as sent>">"""
    if header is None or not SECRET:
        return "none"
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    expected = hmac.new(SECRET, parts.get("t", "").encode() + b"." + raw, hashlib.sha256).hexdigest()
    return "valid" if hmac.compare_digest(expected, parts.get("v1", "")) else "invalid"


def keep(request):
    line = json.dumps(request, ensure_ascii=False) + "\n"
    with one_at_a_time:
        output.write(line.encode())
        output.flush()
        os.fsync(output.fileno())


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, tls=None):
        super().__init__(("127.0.0.1", int(port)), Receiver)
        self.tls = tls

    def finish_request(self, request, client_address):
        """In the connection's own thread, so that one that never finishes its handshake holds up nobody."""
        if self.tls:
            request.settimeout(10)
            request = self.tls.wrap_socket(request, server_side=True)
            request.settimeout(None)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        print(client_address, repr(sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]), file=sys.stderr)


def tls(wants_client_certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    if wants_client_certificate:
        context.load_verify_locations(CA)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


servers = [Server(HTTP_PORT), Server(HTTPS_PORT, tls(False)), Server(MTLS_PORT, tls(True))]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
