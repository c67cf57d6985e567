"""A server of orders for ship-orders.yml: python3 orders-server.py [PORT]

It asks each new label to be tried again once, as busy servers do, and makes one label for one Idempotency-Key.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import urlsplit

ORDERS = [
    {"id": "A-17", "item": "lamp", "to": "Ana", "boxes": 1},
    {"id": "A-18", "item": "chair", "to": "Bo", "boxes": 2},
    {"id": "A-19", "item": "piano", "to": "Cy", "boxes": 1},
    {"id": "A-20", "item": "desk", "to": "Di", "boxes": 3},
]
STOCK = {"lamp": 12, "chair": 4, "desk": 0}

asked = set()
lock = Lock()


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/orders":
            self.answer(200, {"orders": ORDERS})
        elif path.startswith("/stock/") and path[7:] in STOCK:
            self.answer(200, {"item": path[7:], "left": STOCK[path[7:]]})
        else:
            self.answer(404, {"error": "there is no " + path})

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            new = self.headers["Idempotency-Key"] not in asked
            asked.add(self.headers["Idempotency-Key"])
        if new:
            self.answer(503, {"error": "busy"}, {"Retry-After": "0"})
        else:
            self.answer(201, {"number": "L-" + order["order"], "boxes": order["boxes"]})

    def answer(self, status, value, headers={}):
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {**headers, "Content-Type": "application/json", "Content-Length": len(body)}.items():
            self.send_header(name, str(text))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8765), Server)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
