"""A receiver to try Jobsprint with: it verifies what it gets, prints it, and answers actions.

Run it with `SECRET=… python3 receiver.py [port]`; it needs nothing but Python. It answers 401 to whatever is not signed
with that secret.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("SECRET", "my_secret_key")
TOLERANCE_SECONDS = 300


def verified(headers, body: bytes) -> bool:
    """Whether the exact bytes were signed with our secret, not long ago."""
    expected = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(headers.get("webhook-timestamp", "0"))) < TOLERANCE_SECONDS
    return fresh and hmac.compare_digest(expected, headers.get("X-Jobsprint-Signature", ""))


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not verified(self.headers, body):
            self.answer(401, {"success": False, "error": "bad signature"})
            return
        payload = json.loads(body)
        print("received", json.dumps(payload), flush=True)
        self.answer(200, {"messageId": "msg_1", **payload["parameters"]} if "action" in payload else {})

    def answer(self, status: int, value: dict) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9009
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
