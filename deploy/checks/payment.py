"""The page for authors of payment systems, held against a server: usage: payment.py SERVER-BINARY

Its table says what a Pause is answered in each case, and the programs of examples/payment must go on in exactly the cases that
the table names."""

import concurrent.futures
import contextlib
import http.server
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import quote

from payment_clients import EXAMPLES, all_clients, by_hand
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


def base(address, scheme="http"):
    return f"{scheme}://{address}/attendantservice/api/recording"


def pause(ucc, session, agent):
    body = {"Action": "Pause", "RequesterSipUri": agent, "CorrelationId": session, "UCCName": ucc}
    return json.dumps(body).encode()


def begin(admin, ucc, session, state, headers=()):
    place = f"/sessions/{quote(ucc, safe='')}/{session}"
    document = json.dumps({"RecordingState": state, "MarkingState": 0, "SavingState": 0}).encode()
    status, _, reply = request(admin, "PUT", place, document, headers)
    if status != 201:
        fail(f"begin of {session}: {status} {reply}")


def asked_to_pause(api, ucc, session, agent):
    """Status, type of the error and state of the reply, as the table writes them."""
    status, _, reply = request(api, "POST", SET, pause(ucc, session, agent), JSON)
    reply = json.loads(reply)
    error = reply["ErrorMessage"]
    return [str(status), str(error["ErrorType"]) if error else "none", str(reply["RecordingState"])]


def check_cases(page, clients, api, admin):
    table = {row[0]: row[1:] for row in rows(page)}
    asked = []
    for number, (row, ucc, state, agent, go_on) in enumerate(CASES):
        said = table[row]
        if (said[3] != "**no**") != go_on:
            fail(f"{row}: the table says {said[3]}")
        # One session for the request itself, and one for each client.
        sessions = [f"{number:08x}-{use:04x}-4000-8000-000000000000" for use in range(1 + len(clients.clients))]
        for session in sessions if state is not None else []:
            begin(admin, ucc, session, state)
        if (found := asked_to_pause(api, ucc, sessions[0], agent)) != said[:3]:
            fail(f"{row}: the table says {said[:3]}, the server {found}")
        asked.append((go_on, row, clients.ask(base(api), None, ucc, lambda use, of=sessions: of[1 + use], agent, 0.5 if not go_on else 6)))
    for one in asked:
        clients.expect(*one)
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
def stub(status, body, delay=0.0, headers=(), drip=0.0, read=None):
    """A server that answers all requests so, late, or a byte at a time; or that is read as something else than it says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(body if read is None else read)

        def do_POST(self):
            self.answer(body)

        def answer(self, body):
            time.sleep(delay)
            with contextlib.suppress(OSError):
                self.send_response(status)
                for header in [*headers, ("Content-Length", str(len(body)))]:
                    self.send_header(*header)
                self.end_headers()
                for at in range(len(body)) if drip else []:
                    self.wfile.write(body[at : at + 1])
                    time.sleep(drip)
                self.wfile.write(body if not drip else b"")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # Its threads are not waited for: they sleep.
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def check_others(clients):
    """What a real server is not easily brought to say, and what is no server of this API."""
    error = b'{"ErrorMessage":{"ErrorType":2,"Message":"x"}}'
    paused = b'{"RecordingState":3,"ErrorMessage":null}'
    answers = [(503, error), (429, error), (401, error), (403, error), (500, paused), (421, error), (202, paused), (200, b""), (200, b"[]"),
               (200, b"null"), (200, b"<html>"), (200, error), (200, b'{"RecordingState":3}'), (200, paused[:-1]),
               (200, paused + b"x"), (200, b"{x" + paused[1:]), (200, b'{"RecordingState":3,"ErrorMessage":"null"}'), (200, b'{"RecordingState":3,"ErrorMessage":{}}'),
               (200, b'{"RecordingState":"3","ErrorMessage":null}'), (200, b'{"Inner":{"RecordingState":3,"ErrorMessage":null}}'),
               (200, b'{"RecordingState":1,"Text":"\\",\\"RecordingState\\":3","ErrorMessage":null}')]  # fmt: skip
    with contextlib.ExitStack() as stack:
        asked = []

        def expect(wanted, what, api, patience=0.5):
            asked.append((wanted, what, clients.ask(base(api), None, "u", "1", AGENT, patience)))

        good = stack.enter_context(stub(200, b' {"RecordingState" : 3, "UCCName":"a\\"b\\u00fc","ErrorMessage":null}\r\n'))
        expect(True, "a success with spaces and escapes", good, 6)
        for status, body in answers:
            expect(False, f"{status} {body}", stack.enter_context(stub(status, body)))
        for state in [0, 1, 2]:
            said, read = (b'{"RecordingState":%d,"ErrorMessage":null}' % one for one in (state, 1))
            expect(False, f"a Pause that makes it {state}", stack.enter_context(stub(200, said, read=read)))
        for status in [301, 302, 303, 307, 308]:
            moved = stub(status, b"", headers=[("Location", f"http://{good}/paused")])
            expect(False, f"a success at the end of a redirect by {status}", stack.enter_context(moved))
        # Each has more than two seconds for both of its requests.
        expect(False, "a reply that came too late", stack.enter_context(stub(200, paused, delay=2.5)), 4)
        expect(False, "a reply that came too slowly", stack.enter_context(stub(200, paused, drip=3 / len(paused))), 4)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            expect(False, "no reply", f"127.0.0.1:{silent.getsockname()[1]}")
            for one in asked:
                clients.expect(*one)
    return len(asked)


def check_tokens(clients, binary, secured, meanwhile):
    """Over TLS, with the token, with a wrong one and without one: a server as `init` sets it up."""
    options = ["--config", "world.toml", "--tls-cert", "tls.crt", "--tls-key", "tls.key", "--tokens", "api.tokens", "--admin-tokens", "admin.tokens"]
    options = [str(secured / option) if "." in option else option for option in options]
    session = "00000000-0000-4000-8000-000000000000"
    token, admin_token = ((secured / f"{name}.token").read_text().strip() for name in ("payments", "admin"))
    with running(binary, *options, "--store", "memory") as (api, admin):
        begin(admin, "ucc-demo-name", session, STARTED, [("Authorization", f"Bearer {admin_token}")])
        question = "ucc-demo-name", session, AGENT
        api = base(f"localhost:{api.rpartition(':')[2]}", "https")
        # By hand a program that may not go on has its usual patience.
        programs = [(wanted, by_hand(api, given, *question, secured / "tls.crt")) for given, wanted in [(None, 1), (token, 0)]]
        asked = [(False, f"the token {given}", clients.ask(api, given, *question, 0.5)) for given in [None, "rec_" + "0" * 64, admin_token]]
        for one in asked:
            clients.expect(*one)
        clients.expect(True, "the token over TLS", clients.ask(api, token, *question, 6))
        count = meanwhile()
        for wanted, started in programs:
            for one in started:
                if one.wait(60) != wanted:
                    fail(f"{one.args}: started by hand it does not end with {wanted}")
    return count


def check_recorder(page, clients, binary, folder):
    """A recorder that does not confirm: what the server says, and that no program goes on."""
    answers = [
        ("the recorder has not confirmed it in time", 500, b""),
        ("the recorder did something else, does not know the call, or cannot be used", 404, b""),
        ("the recorder did something else, does not know the call, or cannot be used", 200, b'{"RecorderState":"Recording"}'),
    ]
    table = {row[0]: row[1:] for row in rows(page)}

    def check(number):
        row, status, body = answers[number]
        world = folder / f"recorded-{number}.toml"
        with stub(status, body) as recorder:
            world.write_text(UCC.format("recorded", "true", "true", "accept") + RECORDER.format(recorder))
            with running(binary, "--config", str(world), "--store", "memory") as (api, admin):
                sessions = [f"00000000-0000-0000-0000-{use:012}" for use in range(1 + len(clients.clients))]
                for session in sessions:
                    begin(admin, "recorded", session, STARTED)
                asked = clients.ask(base(api), None, "recorded", lambda use: sessions[1 + use], AGENT, 2.5)
                said = table[row][:3]
                found = asked_to_pause(api, "recorded", sessions[0], AGENT)
                if found[:2] != said[:2] or found[2] not in (said[2], "1"):
                    fail(f"{row}: the table says {said}, the server {found}")
                clients.expect(False, row, asked)

    with concurrent.futures.ThreadPoolExecutor(len(answers)) as pool:
        list(pool.map(check, range(len(answers))))
    return len(answers)


def main(binary):
    page = PAGE.read_text()
    [shown] = re.findall(r"```python\n(.*?)```", page, re.S)
    if shown != (EXAMPLES / "payment.py").read_text():
        fail("the page does not show the program in Python as it is in examples/payment")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        world = folder / "world.toml"
        world.write_text("\n".join(UCC.format(*one) for one in UCCS))
        secured = folder / "secured"
        subprocess.run([binary, "init", secured], check=True, capture_output=True)
        with all_clients(folder, secured / "tls.crt") as clients:
            with running(binary, "--config", str(world), "--store", "memory") as (api, admin):
                count = check_cases(page, clients, api, admin)
                check_rejections(page, api)
            count += check_recorder(page, clients, binary, folder)
            count += check_tokens(clients, binary, secured, lambda: check_others(clients))
            names = " and ".join(client.name for client in clients.clients)
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
    print(f"{count} answers to a Pause: the page's table is right, and so are the programs in {names}")


if __name__ == "__main__":
    main(*sys.argv[1:])
