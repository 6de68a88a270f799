"""The sample of a recorder, asked by a real server: usage: recorder.py SERVER-BINARY

Both are killed in between. What the sample heard on its line must have been heard while it was to record, and a late order
must be refused."""

import json
import pathlib
import sys
import tempfile
import time

from sample import Sample
from server import UCC_WITH_RECORDER, fail, request, running

SESSION, AGENT = "1d6c6a58-6739-4f0c-98ff-0968292c8c30", "sip:agent@domain.com"
JSON = [("Content-Type", "application/json")]
# How far the clocks of both may be apart: it is the same one, and it is read before and after.
PAUSES = 8


class Asked(Sample):
    """The sample, which is asked here as well."""

    def ask(self, method, document=None):
        target = f"/orders?UCCName=ucc-demo-name&CorrelationId={SESSION}" if document is None else "/orders"
        body = None if document is None else json.dumps(document).encode()
        status, _, body = request(self.address, method, target, body, JSON)
        return status, json.loads(body)

    def heard(self):
        audio = pathlib.Path(self.folder) / "line-3.audio"
        # A line that was cut by a kill says nothing.
        return [int(line) for line in audio.read_text().splitlines() if len(line) == 19]


def set_state(api, action):
    """Asks until it is confirmed; gives when it was asked for the first time, and when it was confirmed."""
    asked = time.time_ns()
    document = {"Action": action, "RequesterSipUri": AGENT, "CorrelationId": SESSION, "UCCName": "ucc-demo-name"}
    for _ in range(60):
        status, _, body = request(api, "POST", "/attendantservice/api/recording/set", json.dumps(document).encode(), JSON)
        error = json.loads(body)["ErrorMessage"]
        if status == 200 and error is None:
            return asked, time.time_ns()
        if "not confirmed" not in error["Message"]:
            fail(f"{action}: {status} {error}")
    fail(f"{action} is never confirmed")


def main(binary):
    pauses = []
    with tempfile.TemporaryDirectory() as folder:
        sample = Asked(folder)
        config, store = pathlib.Path(folder) / "config.toml", pathlib.Path(folder) / "sessions"
        config.write_text(UCC_WITH_RECORDER.format(sample.address))
        options = ["--config", str(config), "--store", f"file:{store}"]
        with running(binary, *options) as (api, admin):
            call = json.dumps({"Recorder": {"Line": 3}}).encode()
            status, _, body = request(admin, "PUT", f"/sessions/ucc-demo-name/{SESSION}", call, JSON)
            if status != 201:
                fail(f"not begun: {status} {body}")
            other = f"/sessions/ucc-demo-name/{SESSION[:-1]}1"
            status, _, body = request(admin, "PUT", other, call, JSON)
            if status != 409 or b"another session" not in body:
                fail(f"two sessions have one call: {status} {body}")
            set_state(api, "Start")
        for round in range(PAUSES):
            # Each with a server of its own, which finds the session as the one before left it.
            with running(binary, *options) as (api, admin):
                time.sleep(0.1)
                _, silent = set_state(api, "Pause")
                if round % 2:
                    sample.kill()
                    sample.start()
                time.sleep(0.3)
                state = sample.ask("GET")
                if state[0] != 200 or state[1]["RecorderState"] != "Paused":
                    fail(f"the sample is not paused: {state}")
                late = {"Order": "Record", "Number": state[1]["Number"] - 1, "UCCName": "ucc-demo-name", "CorrelationId": SESSION, "Recorder": {"Line": 3}}
                if sample.ask("POST", late)[0] != 409:
                    fail("a late Record is carried out")
                asked, _ = set_state(api, "Start")
                pauses.append((silent, asked))
        with running(binary, *options) as (api, admin):
            status, _, body = request(admin, "DELETE", f"/sessions/ucc-demo-name/{SESSION}")
            if status != 200:
                fail(f"not ended: {status} {body}")
            for _ in range(100):
                if sample.ask("GET")[1]["RecorderState"] == "Off":
                    break
                time.sleep(0.05)
            else:
                fail("the sample is not off after the end")
        sample.kill()
        heard = sample.heard()
    bad = [time for time in heard for silent, asked in pauses if silent < time < asked]
    if bad or len(heard) < 50:
        fail(f"{len(bad)} of {len(heard)} lines are of a pause")
    if len(pauses) != PAUSES:
        fail(f"{len(pauses)} pauses")
    print(f"the sample of a recorder: {len(pauses)} pauses, {len(heard)} lines heard, none of them in a pause")


main(sys.argv[1])
