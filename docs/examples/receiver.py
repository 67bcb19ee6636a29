"""A server that receives webhooks and runs actions. It needs Python 3.11 or newer, and nothing else.

    SECRET=my_secret_key python3 receiver.py [port]

It answers 401 to what is not signed with SECRET, and does the work for a `webhook-id` once.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("verify")))
from verify import verify

SECRET = os.environ.get("SECRET", "my_secret_key")
handled: set[str] = set()  # in production: a table with the id as its key


def run_action(action: str, parameters: dict) -> dict:
    """The result of an action. `jobsprint.ping` is the service's test of the connection."""
    if action == "jobsprint.ping":
        return {}
    print("action", action, json.dumps(parameters), flush=True)
    return {"messageId": "msg_1", **parameters}


def handle_event(message_id: str, event: dict) -> None:
    """Handle an event, unless an earlier delivery of it was handled."""
    if message_id not in handled:
        handled.add(message_id)
        print("received", json.dumps(event), flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not verify(body, self.headers, SECRET):
            self.answer(401, {"success": False, "error": "bad signature"})
            return
        message = json.loads(body)
        if "action" in message:
            self.answer(200, run_action(message["action"], message["parameters"]))
        else:
            self.answer(200, {})
            handle_event(self.headers["webhook-id"], message)

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
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
