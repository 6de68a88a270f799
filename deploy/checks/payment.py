"""The page for authors of payment systems, held against a server: usage: payment.py SERVER-BINARY

Its table says what a Pause is answered in each case, and its program must go on in exactly the cases that the table names."""

import contextlib
import http.server
import json
import pathlib
import re
import sys
import tempfile
import threading
import time
from urllib.parse import quote

from server import fail, request, running

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/payment-systems.md"
AGENT = "sip:agent@domain.com"
SET = "/attendantservice/api/recording/set"
JSON = [("Content-Type", "application/json")]
UCC = """[[ucc]]
name = "{0}"
recording_api_licensed = {1}
use_audio_recording = true
agent_can_edit_audio_recording = {2}
save_recording_by_default = true
repeats = "{3}"
agents = ["sip:agent@domain.com"]
"""
RECORDER = """recorder = "own"
[[recorder]]
name = "own"
kind = "http"
url = "http://{}/"
"""
UCCS = [
    ("Größe & Co", "true", "true", "accept"),
    ("strict", "true", "true", "refuse"),
    ("closed", "true", "false", "accept"),
    ("unlicensed", "false", "true", "accept"),
]
STARTED, STOPPED, PAUSED = 1, 2, 3
# The row of the table, the UCC, the state in which a session begins (None: there is none), the agent, whether to go on.
CASES = [
    ("it was Started", "Größe & Co", STARTED, AGENT, True),
    ("it was Paused already", "Größe & Co", PAUSED, AGENT, True),
    ("it was Paused already, and the UCC refuses repeats", "strict", PAUSED, AGENT, True),
    ("it was Stopped", "Größe & Co", STOPPED, AGENT, True),
    ("it was Uninitialized", "Größe & Co", 0, AGENT, True),
    ("the session is unknown", "Größe & Co", None, AGENT, False),
    ("the UCC is unknown", "nowhere", None, AGENT, False),
    ("the requester is not an agent of the UCC", "Größe & Co", STARTED, "sip:stranger@domain.com", False),
    ("the settings or the license of the UCC forbid it", "closed", STARTED, AGENT, False),
    ("the settings or the license of the UCC forbid it", "unlicensed", STARTED, AGENT, False),
]


def rows(page):
    """The table of answers: case, statuses, error type, recording state, whether to go on."""
    table = page.split("| case | status |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def program(page, api):
    """The page's program, by its functions."""
    [code] = re.findall(r"```python\n(.*?)```", page, re.S)
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102
    names["API"] = f"http://{api}/attendantservice/api/recording"
    return names


def pause(ucc, session, agent):
    body = {"Action": "Pause", "RequesterSipUri": agent, "CorrelationId": session, "UCCName": ucc}
    return json.dumps(body).encode()


def check_cases(page, api, admin):
    table = {row[0]: row[1:] for row in rows(page)}
    may = program(page, api)["may_speak_the_number"]
    for number, (row, ucc, state, agent, go_on) in enumerate(CASES):
        said = table[row]
        if (said[3] != "**no**") != go_on:
            fail(f"{row}: the table says {said[3]}")
        for use, ask in enumerate([lambda ucc, session: None, lambda ucc, session: may(ucc, session, agent, patience=0.5)]):
            session = f"{number:08x}-{use:04x}-4000-8000-000000000000"
            if state is not None:
                place = f"/sessions/{quote(ucc, safe='')}/{session}"
                document = json.dumps({"RecordingState": state, "MarkingState": 0, "SavingState": 0}).encode()
                status, _, reply = request(admin, "PUT", place, document)
                if status != 201:
                    fail(f"{row}: begin: {status} {reply}")
            if use == 0:
                status, _, reply = request(api, "POST", SET, pause(ucc, session, agent), JSON)
                reply = json.loads(reply)
                error = reply["ErrorMessage"]
                found = [str(status), str(error["ErrorType"]) if error else "none", str(reply["RecordingState"])]
                if found != said[:3]:
                    fail(f"{row}: the table says {said[:3]}, the server {found}")
            elif ask(ucc, session) is not go_on:
                fail(f"{row}: the program does not say {go_on}")
    return len(CASES)


def check_rejections(page, api):
    [said] = [row[1] for row in rows(page) if row[0] == "the request could not be understood"]
    tries = [
        ("POST", SET, b"{", JSON),
        ("POST", SET + "s", b"{}", JSON),
        ("GET", SET, None, []),
        ("POST", SET, b" " * 2049, JSON),
        ("POST", SET, b"{}", []),
    ]
    found = sorted({request(api, *one)[0] for one in tries})
    if ", ".join(map(str, found)) != said:
        fail(f"not understood: the table says {said}, the server {found}")


@contextlib.contextmanager
def stub(status, body, delay=0.0):
    """A server that answers all requests so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(delay)
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def check_others(page, binary, folder):
    """What a real server is not easily brought to say, and what is no server of this API."""
    error = b'{"ErrorMessage":{"ErrorType":2,"Message":"x"}}'
    paused = b'{"RecordingState":3,"ErrorMessage":null}'
    answers = [(503, error), (429, error), (401, error), (403, error), (500, paused), (421, error), (202, paused), (200, b""), (200, b"[]"),
               (200, b"null"), (200, b"<html>"), (200, error), (200, b'{"RecordingState":3}'), (200, paused[:-1])]  # fmt: skip
    for status, body in answers:
        with stub(status, body) as api:
            if program(page, api)["may_speak_the_number"]("u", "1", AGENT, patience=0.3):
                fail(f"the program goes on after {status} {body}")
    with stub(200, paused, delay=2.5) as api:
        if program(page, api)["may_speak_the_number"]("u", "1", AGENT, patience=0.3):
            fail("the program goes on after a reply that came too late")
    tokens = folder / "tokens"
    tokens.write_text(f"payments {'0' * 64}\n")
    with running(binary, "--tokens", str(tokens)) as (api, _):
        if program(page, api)["may_speak_the_number"]("ucc-demo-name", "1d6c6a58-6739-4f0c-98ff-0968292c8c30", AGENT, 0.3):
            fail("the program goes on without a token")
    return len(answers) + 2


def check_recorder(page, binary, folder):
    """A recorder that does not confirm: what the server says, and that the program does not go on."""
    answers = [
        ("the recorder has not confirmed it in time", 500, b""),
        ("the recorder did something else, does not know the call, or cannot be used", 404, b""),
        ("the recorder did something else, does not know the call, or cannot be used", 200, b'{"RecorderState":"Recording"}'),
    ]
    table = {row[0]: row[1:] for row in rows(page)}
    for number, (row, status, body) in enumerate(answers):
        with stub(status, body) as recorder:
            world = folder / f"recorded-{number}.toml"
            world.write_text(UCC.format("recorded", "true", "true", "accept") + RECORDER.format(recorder))
            with running(binary, "--config", str(world), "--store", "memory") as (api, admin):
                session = f"00000000-0000-0000-0000-{number:012}"
                state = json.dumps({"RecordingState": STARTED, "MarkingState": 0, "SavingState": 0}).encode()
                if (begun := request(admin, "PUT", f"/sessions/recorded/{session}", state, JSON))[0] != 201:
                    fail(f"not begun: {begun}")
                pause = {"Action": "Pause", "RequesterSipUri": AGENT, "CorrelationId": session, "UCCName": "recorded"}
                status, _, reply = request(api, "POST", SET, json.dumps(pause).encode(), JSON)
                reply = json.loads(reply)
                said = table[row][:3]
                found = [str(status), str((reply["ErrorMessage"] or {}).get("ErrorType", "none")), str(reply["RecordingState"])]
                if found[:2] != said[:2] or found[2] not in (said[2], "1"):
                    fail(f"{row}: the table says {said}, the server {found}")
                if program(page, api)["may_speak_the_number"]("recorded", session, AGENT, 0.5):
                    fail(f"{row}: the program goes on")
    return len(answers)


def main(binary):
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        world = folder / "world.toml"
        world.write_text("\n".join(UCC.format(*one) for one in UCCS))
        with running(binary, "--config", str(world), "--store", "memory") as (api, admin):
            count = check_cases(page, api, admin)
            check_rejections(page, api)
        count += check_recorder(page, binary, folder)
        count += check_others(page, binary, folder)
    known = {case[0] for case in CASES} | {
        "the request could not be understood",
        "the token is missing, wrong, or not good for this",
        "too many requests",
        "the recorder has not confirmed it in time",
        "the recorder did something else, does not know the call, or cannot be used",
        "another request replaced the pause",
        "as many requesters hold the session as can",
        "it could not be stored",
        "any other status, as 421 for a foreign `Host`",
        "no reply, or not in time",
    }
    if (rest := {row[0] for row in rows(page)} ^ known):
        fail(f"cases that the page or this check does not have: {rest}")
    print(f"{count} answers to a Pause: the page's table and program are right")


if __name__ == "__main__":
    main(*sys.argv[1:])
