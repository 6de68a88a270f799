"""The programs that are measured, started on free ports and ended by their ids."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from figures import common
from figures.common import Failed

RELEASE = common.TARGET / "release"
ID = "1d6c6a58-6739-4f0c-98ff-0968292c8c30"
UCC = "ucc-demo-name"

WORLD = f"""[[ucc]]
name = "{UCC}"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = true
agents = ["sip:agent@domain.com"]
"""


def build():
    common.need_toolchain()
    common.say("building the server and what it is measured beside")
    common.run("cargo", "build", "--quiet", "--release", "--locked", "-p", "recording-server", "-p", "recording-load")


def need_wrk():
    if not shutil.which("wrk"):
        common.say("installing wrk")
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        common.run(*sudo, "apt-get", "install", "-y", "-q", "wrk", quiet=True)
    said = subprocess.run(["wrk", "--version"], text=True, stdout=subprocess.PIPE).stdout
    return re.match(r"wrk (\S+)", said)[1].removeprefix("debian/")


@dataclass
class Goal:
    """What is wanted, and what came of it."""

    what: str
    wanted: str
    found: str
    reached: bool

    def line(self):
        return f"| {self.what} | {self.wanted} | {self.found} | {'reached' if self.reached else '**not reached**'} |"


@contextmanager
def place():
    """A directory on the disk that the build is on too; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="load-", dir=common.TARGET) as directory:
        directory = Path(directory)
        (directory / "world.toml").write_text(WORLD)
        yield directory


def server(*more):
    return [RELEASE / "recording-server", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "off", *more]


def in_file(directory, *more):
    # All load comes from one address, whose rate would be what is measured.
    return server("--rate", "off", "--config", directory / "world.toml", "--store", f"file:{directory / 'sessions'}", *more)


@dataclass
class Running:
    process: subprocess.Popen
    api: int
    admin: int | None
    ready_after: float

    def resident(self):
        """Bytes in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"^VmRSS:\s*(\d+) kB", status, re.M)[1])

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextmanager
def running(command, env=None, stderr=None):
    began = time.monotonic()
    environment = os.environ | (env or {})
    command = [str(part) for part in command]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        ports = {}
        while "API" not in ports or ("admin" not in ports and "recording-server" in " ".join(command)):
            line = process.stdout.readline()
            if not line:
                raise Failed(f"`{' '.join(command)}` does not start")
            if found := re.match(r"(API|admin) +http://127\.0\.0\.1:(\d+)", line):
                ports[found[1]] = int(found[2])
        yield Running(process, ports["API"], ports.get("admin"), time.monotonic() - began)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Connection:
    """One connection, one request after the other."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request):
        self.socket.sendall(request)
        reply = b""
        while not reply.endswith(b"}"):
            part = self.socket.recv(65536)
            if not part:
                raise Failed(f"the server closed its connection after {reply!r}")
            reply += part
        return reply

    def close(self):
        self.socket.close()


def request(method, path, body=""):
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: load\r\nAccept: */*\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode()


def set_body(action, correlation_id=ID):
    return (
        f'{{"Action":{action},"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"{correlation_id}",'
        f'"UCCName":"{UCC}"}}'
    )
