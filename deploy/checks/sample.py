"""The sample of a recorder, as a process that is killed and started again."""

import contextlib
import pathlib
import socket
import subprocess
import sys
import time

from server import fail, free_port

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "shells/server/examples/recorder.py"


class Sample:
    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen([sys.executable, PROGRAM, str(self.port), self.folder])
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        fail("the sample of a recorder does not listen")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
