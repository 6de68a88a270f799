"""A receiver of webhooks, in Python's standard library: python3 webhook.py --secret-file FILE [--port PORT]

It checks the signature as Standard Webhooks has it, leaves out what it got twice, and prints a line for each event. Copy it,
and replace `on_event` and `on_missed`. In front of it belongs a server that speaks TLS.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import time

# How far the sender's clock and this one may be apart, in seconds.
TOLERANCE = 300
# How many ids are kept, to know what came twice.
MOST_IDS = 100_000
# No post is longer.
MOST_BYTES = 64 * 1024

ACTIONS = {1: "Start", 2: "Stop", 3: "Pause", 4: "Save", 5: "Delete", 6: "Mark", 7: "UnMark"}


def on_event(data, sequence):
    """A change of a session. With --event-case camel the keys begin with small letters."""
    print(data["UccName"], data["CorrelationId"], ACTIONS.get(data["StateAction"], "?"), sequence, flush=True)


def on_missed(dropped):
    """Events are missing, or may be: read the states of the sessions that matter again."""
    print("missed", dropped, flush=True)


def is_genuine(secrets, headers, body, now):
    """Whether one of the signatures is by one of the secrets, and the post is not an old one."""
    seconds = headers.get("webhook-timestamp", "")
    if not seconds.isascii() or not seconds.isdigit() or abs(now - int(seconds)) > TOLERANCE:
        return False
    signed = b".".join([headers.get("webhook-id", "").encode(), seconds.encode(), body])
    given = headers.get("webhook-signature", "").split(" ")
    for secret in secrets:
        digest = hmac.new(secret, signed, hashlib.sha256).digest()
        expected = b"v1," + base64.b64encode(digest)
        if any(hmac.compare_digest(expected, signature.encode()) for signature in given):
            return True
    return False


def read_secrets(file):
    with open(file, encoding="utf-8") as lines:
        lines = [line.strip() for line in lines]
    return [base64.b64decode(line.removeprefix("whsec_")) for line in lines if line and not line.startswith("#")]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    secrets = []
    # In the order in which they came.
    seen = {}

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isascii() or not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not is_genuine(self.secrets, self.headers, body, time.time()):
            return self.answer(401)
        post = json.loads(body)
        if post["id"] not in self.seen:
            if post["readAgain"]:
                on_missed(post["dropped"])
            if post["type"] == "RecordingStateChangedEvent":
                on_event(post["data"], post["sequence"])
            # After the work: what fails before this is posted again.
            self.seen[post["id"]] = None
            if len(self.seen) > MOST_IDS:
                del self.seen[next(iter(self.seen))]
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    options = argparse.ArgumentParser(description="Receives webhooks of recording-server.")
    options.add_argument("--secret-file", required=True)
    options.add_argument("--port", type=int, default=8090)
    options = options.parse_args()
    Handler.secrets = read_secrets(options.secret_file)
    # One thread for each connection: events of different sessions come in parallel.
    with http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
