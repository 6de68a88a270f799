"""The script for Kamailio of docs/call-control.md, with calls: usage: kamailio.py SERVER-BINARY KAMAILIO ROOT

ROOT is where Kamailio's package is unpacked, `/` if it is installed. The script begins a session for each call that is answered and ends it at the end, and the calls go on when the server does not answer."""

import contextlib
import hashlib
import http.server
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import quote

from server import UCC, UCC_WITH_RECORDER, fail, free_port, request, started
from sip import SDP, Call, Telephone, header
from switch import Switch

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples/call-control/kamailio.cfg"
RTPENGINE = """recorder = "own"
[[recorder]]
name = "own"
kind = "rtpengine"
address = "{}"
pause = "segments"
recording_dir = "{}"
"""


@contextlib.contextmanager
def recorder(orders):
    """A recorder that does what it is asked to, and notes it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(b"{}")

        def do_POST(self):
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            orders.append((order["Order"], order["Recorder"]))
            state = {"Record": "Recording", "Pause": "Paused", "Stop": "Off"}[order["Order"]]
            self.answer(json.dumps({"RecorderState": state}).encode())

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class Kamailio(Switch):
    """A proxy."""

    def __init__(self, program, root, folder, agent, defines):
        self.address = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
        [modules] = (pathlib.Path(root) / "usr/lib").glob("*/kamailio/modules")
        command = [program, "-f", SCRIPT, "-L", modules, "-l", f"udp:127.0.0.1:{self.address[1]}", "-DD", "-E", "-m", "64", "-w", folder, "-Y", folder,
                   "-P", folder / "pid", "-A", f'AGENT="sip:{agent}"']  # fmt: skip
        for define in defines:
            command += ["-A", define]
        self.run(command)
        self.until(lambda: self.alive(), "Kamailio to answer")

    def alive(self):
        """It refuses what is no call."""
        telephone = Telephone()
        telephone.send(["OPTIONS sip:a@b SIP/2.0", f"Via: SIP/2.0/UDP {telephone.address};branch=z9hG4bK1", "Max-Forwards: 70", "From: <sip:a@b>;tag=1",
                        "To: <sip:a@b>", "Call-ID: alive", "CSeq: 1 OPTIONS"], self.address)  # fmt: skip
        return telephone.wait("SIP/2.0 405", 0.3) is not None

    def asked(self, call):
        """What the server was asked for this call and answered: method and status, in their order."""
        found = (re.search(rf"session of {re.escape(call)}: (\w+) (-?\d+)", line) for line in self.lines)
        return [(one[1], int(one[2])) for one in found if one]

    def ended(self, call, wanted):
        self.until(lambda: ("DELETE", 200) in self.asked(call), f"the end of {call}")
        answered = [one for one in self.asked(call) if one[1] >= 200]
        if answered != wanted:
            fail(f"{call}: asked {self.asked(call)}")


def session_of(call):
    digits = hashlib.md5(call.encode()).hexdigest()
    return "-".join(digits[a:b] for a, b in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)])


def answer(agent, call):
    """The agent takes the call; its desk learns the session's id from a header."""
    invite = agent.need("INVITE")
    if header(invite[0], "X-Recording-Session") != [session_of(call.id).replace("-", "")]:
        fail(f"the agent does not learn the session's id:\n{invite[0]}")
    agent.reply(invite, "200 OK", SDP)
    call.answered()
    agent.need("ACK")


def hang_up(agent, call):
    call.request("BYE")
    agent.reply(agent.need("BYE"), "200 OK")
    call.telephone.need("SIP/2.0 200")


def set_by_agent(api, session, action="Start"):
    """An agent begins to record, or pauses, which the recorder confirms."""
    asked = {"Action": action, "RequesterSipUri": "sip:agent@domain.com", "CorrelationId": session, "UCCName": "ucc-demo-name"}
    headers = [("Content-Type", "application/json")]
    status, _, reply = request(api, "POST", "/attendantservice/api/recording/set", json.dumps(asked).encode(), headers)
    if json.loads(reply)["ErrorMessage"]:
        fail(f"{action} is answered {status} {reply}")


def whole_call(kamailio, agent, api, orders):
    call = Call(kamailio.address, headers=["X-Recording-Session: 00000000000000000000000000000000"])
    answer(agent, call)
    kamailio.until(lambda: kamailio.asked(call.id) == [("PUT", 201)], "the begin")
    set_by_agent(api, session_of(call.id))
    if orders[-1:] != [("Record", {"CallId": call.id})]:
        fail(f"the recorder was asked {orders}")
    hang_up(agent, call)
    kamailio.ended(call.id, [("PUT", 201), ("DELETE", 200)])
    kamailio.until(lambda: orders[-1] == ("Stop", {"CallId": call.id}), "the recorder's Stop")


def refused(kamailio, agent):
    """The agent is busy: there is nothing to record."""
    call = Call(kamailio.address)
    agent.reply(agent.need("INVITE"), "486 Busy Here")
    call.telephone.need("SIP/2.0 486")
    agent.need("ACK")
    forged = Call(kamailio.address, call=f'{call.id}","CallId":"x')
    forged.telephone.need("SIP/2.0 400")
    return [call.id, forged.id]


def frozen(kamailio, agent, server):
    """The server does not answer for a whole call, nor for its end: the call goes on, and the server gets both in their order."""
    server.send_signal(signal.SIGSTOP)
    try:
        call = Call(kamailio.address)
        answer(agent, call)
        hang_up(agent, call)
        kamailio.until(lambda: kamailio.asked(call.id), "a request without a reply")
    finally:
        server.send_signal(signal.SIGCONT)
    kamailio.until(lambda: ("DELETE", 200) in kamailio.asked(call.id), "the end")
    asked = kamailio.asked(call.id)
    # What was sent first may have been carried out, although no reply came.
    if asked[0][1] >= 200 or [one for one in asked if one[1] >= 200] not in ([("PUT", 201), ("DELETE", 200)], [("PUT", 200), ("DELETE", 200)]):
        fail(f"{call.id}: asked {asked}")


def session_first(kamailio, agent, server):
    """With SESSION_FIRST no call is let through without a session, and none is left of a call that was not let through."""
    server.send_signal(signal.SIGSTOP)
    try:
        call = Call(kamailio.address)
        call.telephone.need("SIP/2.0 503")
    finally:
        server.send_signal(signal.SIGCONT)
    kamailio.until(lambda: ("DELETE", 200) in kamailio.asked(call.id), "the end")
    call = Call(kamailio.address)
    answer(agent, call)
    if kamailio.asked(call.id) != [("PUT", 201)]:
        fail(f"the call goes on after {kamailio.asked(call.id)}")
    hang_up(agent, call)
    kamailio.ended(call.id, [("PUT", 201), ("DELETE", 200)])
    busy = Call(kamailio.address)
    agent.reply(agent.need("INVITE"), "486 Busy Here")
    busy.telephone.need("SIP/2.0 486")
    agent.need("ACK")
    kamailio.ended(busy.id, [("PUT", 201), ("DELETE", 200)])


@contextlib.contextmanager
def rtpengine(folder):
    """Its address for commands, and the folder of its recordings."""
    ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
    spool, first = folder / "spool", ports[1] // 2 * 2 % 20000 + 20000
    spool.mkdir()
    options = ["--config-file=none", "--table=-1", "--foreground", "--log-stderr", "--log-level=4", "--interface=127.0.0.1", "--delete-delay=0",
               f"--listen-ng=127.0.0.1:{ports[0]}", "--num-threads=1", f"--port-min={first}", f"--port-max={first + 99}", f"--recording-dir={spool}",
               "--recording-method=pcap", "--recording-format=raw"]  # fmt: skip
    process = subprocess.Popen(["rtpengine", *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(folder / "rtpengine.log").open("w"))
    try:
        yield f"127.0.0.1:{ports[0]}", spool
    finally:
        process.terminate()
        process.wait(60)


def recorded(kamailio, agent, addresses, spool):
    """rtpengine knows the call by what the begin says, and confirms what is ordered; its files are named by the Call-ID."""
    api, admin = addresses

    call = Call(kamailio.address)
    answer(agent, call)
    kamailio.until(lambda: kamailio.asked(call.id) == [("PUT", 201)], "the begin")
    for action in ["Start", "Pause", "Start"]:
        set_by_agent(api, session_of(call.id), action)
    hang_up(agent, call)
    kamailio.ended(call.id, [("PUT", 201), ("DELETE", 200)])
    name = quote(call.id, safe="")
    kamailio.until(lambda: len([file for file in (spool / "pcaps").iterdir() if file.name.startswith(name)]) == 2, f"two files of {call.id}")
    kamailio.until(lambda: not json.loads(request(admin, "GET", "/sessions")[2]).get("Closing"), "the call to be over for the recorder")


def main(binary, program, root):
    orders, agent, token = [], Telephone(), "rec_" + "0" * 64
    with tempfile.TemporaryDirectory() as folder, recorder(orders) as address:
        folder = pathlib.Path(folder)
        (folder / "world.toml").write_text(UCC_WITH_RECORDER.format(address))
        (folder / "tokens").write_text(f"proxy {hashlib.sha256(token.encode()).hexdigest()}\n")
        options = ["--config", str(folder / "world.toml"), "--store", "memory", "--admin-tokens", str(folder / "tokens")]
        with started(binary, *options) as (server, (api, admin)):
            headers = [("Authorization", f"Bearer {token}")]
            defines = [f'SESSIONS_URL="http://{admin}/sessions/ucc-demo-name/"', f'SESSIONS_HEADERS="Authorization: Bearer {token}"']
            with Kamailio(program, root, folder, agent.address, defines) as kamailio:
                whole_call(kamailio, agent, api, orders)
                never = refused(kamailio, agent)
                frozen(kamailio, agent, server)
                whole_call(kamailio, agent, api, orders)
                if asked := [call for call in never if kamailio.asked(call)]:
                    fail(f"sessions of calls that were not answered: {asked}")
            with Kamailio(program, root, folder, agent.address, [*defines, "SESSION_FIRST"]) as kamailio:
                session_first(kamailio, agent, server)
            left = json.loads(request(admin, "GET", "/sessions", headers=headers)[2])
            if left["Sessions"] or left.get("Closing"):
                fail(f"left open: {left}")
    with tempfile.TemporaryDirectory() as folder, rtpengine(pathlib.Path(folder)) as (ng, spool):
        folder = pathlib.Path(folder)
        (folder / "world.toml").write_text(UCC + RTPENGINE.format(ng, spool))
        with started(binary, "--config", str(folder / "world.toml"), "--store", "memory") as (server, addresses):
            defines = [f'SESSIONS_URL="http://{addresses[1]}/sessions/ucc-demo-name/"', f'RTPENGINE="udp:{ng}"']
            # Kamailio asks an rtpengine that it has not found only a minute later.
            end = time.monotonic() + 30
            while not json.loads(request(addresses[1], "GET", "/recorders")[2])["Recorders"][0]["Usable"]:
                if time.monotonic() > end:
                    fail(f"rtpengine does not pass the self-test:\n{(folder / 'rtpengine.log').read_text()}")
                time.sleep(0.1)
            with Kamailio(program, root, folder, agent.address, defines) as kamailio:
                recorded(kamailio, agent, addresses, spool)
    print("Kamailio begins and ends a session for each call that is answered, and waits for no server")


if __name__ == "__main__":
    main(*sys.argv[1:])
