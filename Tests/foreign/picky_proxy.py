#!/usr/bin/env python3
"""Stands before a central and refuses what it does not like: picky_proxy.py CENTRAL-URL RULES

Each request goes on to the central, unless it is a batch with a line that has the text of RULES, a file of
"STATUS TEXT"; without the file nothing is refused. Prints the port that it listens on, and each status it made up.
"""
import gzip, http.server, os, sys, urllib.error, urllib.request

central, rules = sys.argv[1:3]


def refusal(body, encoding):
    if not os.path.exists(rules):
        return None
    status, text = open(rules).read().strip().split(" ", 1)
    lines = gzip.decompress(body) if encoding == "gzip" else body
    return int(status) if text.encode() in lines else None


class Picky(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, headers, body):
        self.send_response(status)
        for name in ("Content-Type", "Retry-After", "Content-Encoding"):
            if headers.get(name):
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def pass_on(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        status = refusal(body, self.headers.get("Content-Encoding")) if self.command == "POST" else None
        if status:
            print("refused", status, flush=True)
            return self.answer(status, {}, b"")
        request = urllib.request.Request(central + self.path, data=body, method=self.command)
        for name, value in self.headers.items():
            if name.lower() not in ("host", "connection", "content-length", "transfer-encoding"):
                request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            self.answer(error.code, error.headers, error.read())
        except OSError:
            self.answer(503, {"Retry-After": "1"}, b"")

    do_GET = do_POST = do_PUT = pass_on

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Picky)
print(server.server_address[1], flush=True)
server.serve_forever()
