"""The sample of a receiver of webhooks, posted to by a real server: usage: webhook.py SERVER-BINARY

A second receiver checks the same posts by the library of Standard Webhooks. The sample is killed in between: in the end it has
every event, in order. What was changed on its way is refused by both."""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from server import fail, free_port, request, running
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SAMPLE = pathlib.Path(__file__).resolve().parents[2] / "shells/server/examples/webhook.py"
SESSION, AGENT = "1d6c6a58-6739-4f0c-98ff-0968292c8c30", "sip:agent@domain.com"
JSON = [("Content-Type", "application/json")]
CONFIG = """[[ucc]]
name = "ucc"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = true
agents = ["sip:agent@domain.com"]
"""
HOOK = """
[[webhook]]
name = "{name}"
url = "http://127.0.0.1:{port}/events"
secret_file = "{secret_file}"
"""
OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Checking(http.server.BaseHTTPRequestHandler):
    """A receiver that keeps what it gets."""

    posts = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.posts.append((dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Sample:
    """The sample, as a process that is killed and started again."""

    def __init__(self, secret_file):
        self.port = free_port()
        self.secret_file, self.lines = secret_file, []
        self.start()

    def start(self):
        arguments = [sys.executable, SAMPLE, "--secret-file", self.secret_file, "--port", str(self.port)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        if "listening" not in self.process.stdout.readline():
            fail("the sample does not listen")
        self.reader = threading.Thread(target=self.read, args=[self.process.stdout], daemon=True)
        self.reader.start()

    def read(self, output):
        self.lines.extend(line.split() for line in output)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def events(self):
        return [line[2] for line in self.lines if line[0] == "ucc"]


def until(what, is_so):
    end = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > end:
            fail(what)
        time.sleep(0.02)


def main():
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        secret_file, config = folder / "secrets", folder / "config.toml"
        secret_file.touch(0o600)
        secret_file.write_text(f"# the newest first\n{NEW}\n{OLD}\n")
        # A receiver that has only one of the two yet.
        of_sample = folder / "old"
        of_sample.write_text(f"{OLD}\n")
        sample = Sample(of_sample)
        stack.callback(sample.kill)
        checking = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Checking)
        threading.Thread(target=checking.serve_forever, daemon=True).start()
        hooks = {"sample": sample.port, "checking": checking.server_port}
        text = [HOOK.format(name=name, port=port, secret_file=secret_file) for name, port in hooks.items()]
        config.write_text(CONFIG + "".join(text))
        environment = {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"}
        os.environ.update(environment)
        api, admin = stack.enter_context(running(sys.argv[1], "--config", str(config), "--store", "memory"))
        if request(admin, "PUT", f"/sessions/ucc/{SESSION}", b"")[0] != 201:
            fail("the session is not begun")
        until("the sample was not asked to read states", lambda: ["missed", "0"] in sample.lines)

        def act(action):
            body = {"Action": action, "RequesterSipUri": AGENT, "CorrelationId": SESSION, "UCCName": "ucc"}
            status, _, reply = request(api, "POST", "/attendantservice/api/recording/set", json.dumps(body).encode(), JSON)
            if status != 200 or json.loads(reply)["ErrorMessage"] is not None:
                fail(f"{action}: {reply}")

        for action in [1, 3]:
            act(action)
        until("the sample has no events", lambda: sample.events() == ["Start", "Pause"])
        sample.kill()
        for action in [1, 3, 1]:
            act(action)
        until("the other receiver waits for the sample", lambda: len(events()) == 5)
        sample.start()
        until("the sample has not what it missed", lambda: sample.events() == ["Start", "Pause", "Start", "Pause", "Start"])

        for headers, body in Checking.posts:
            for secret in [NEW, OLD]:
                if Webhook(secret).verify(body, headers)["id"] != headers["webhook-id"]:
                    fail("the id of the head is not that of the body")
        refused(Checking.posts[-1], sample.port)
        checking.shutdown()
        print(f"webhooks: the sample and the library of Standard Webhooks took {len(Checking.posts)} posts")


def events():
    return [body for _, body in Checking.posts if "data" in json.loads(body)]


def refused(post, port):
    """A post is refused that was changed, signed by a stranger or kept for long; the same one as it was is not."""
    headers, body = post
    plants = {
        "as it was": (headers, body),
        "another body": (headers, body.replace(b'"StateAction":1', b'"StateAction":2')),
        "another id": ({**headers, "webhook-id": "evt_1"}, body),
        "another time": ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body),
        "a stranger": ({**headers, "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, body),
        "none": ({name: value for name, value in headers.items() if name != "webhook-signature"}, body),
        "an old one": ({**headers, "webhook-timestamp": "1614265330"}, body),
    }
    for name, (changed, content) in plants.items():
        try:
            Webhook(OLD).verify(content, changed)
            is_refused = False
        except WebhookVerificationError:
            is_refused = True
        wanted = [(key, value) for key, value in changed.items() if key.startswith("webhook-")]
        status = request(f"127.0.0.1:{port}", "POST", "/events", content, wanted)[0]
        if is_refused != (name != "as it was") or status != (401 if is_refused else 204):
            fail(f"{name}: the library {'refuses' if is_refused else 'takes'} it, and the sample answers {status}")


main()
