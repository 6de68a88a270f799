"""The server as a program on a disk of its own, what it was asked, and what it answered."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 60  # seconds, on a machine that is busy with other things
NAMES = [["Uninitialized", "Started", "Stopped", "Paused"], ["None", "Mark", "Unmark"], ["None", "Save", "Delete"]]
UCC, AGENT = "ucc", "sip:agent@domain.com"
CONFIG = f"""[[ucc]]
name = "{UCC}"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = false
agents = ["{AGENT}"]
"""
STARTED, PAUSED = (1, 0, 0), (3, 0, 0)
ACTIONS = {STARTED: 1, PAUSED: 3}
NOT_STORED = {"ErrorMessage": {"ErrorType": 1, "Message": "The new state could not be stored. Nothing was changed."}}


def correlation_id(number):
    return f"00000000-0000-4000-8000-{number:012x}"


class Disk:
    """A small file system in memory."""

    def __init__(self, name, size):
        self.path = Path(tempfile.mkdtemp(prefix=f"recording-disk-{name}-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "disks", self.path], check=True)
        self.ballast = self.path / "ballast"

    def fill(self, but=0):
        """Fills it up, except for so many bytes."""
        with open(self.ballast, "ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError as error:
                assert error.strerror == "No space left on device", error
            ballast.truncate(max(0, ballast.tell() - but))

    def free(self):
        self.ballast.unlink()

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.path], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self.path.rmdir()


class Server:
    """A server that runs, and what is asked of it over one connection to each listener."""

    def __init__(self, binary, directory, *options):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            arguments(binary, directory, *options), stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        found = [re.match(rf"{name} +http://(\S+)", self.process.stdout.readline()) for name in ["API", "admin"]]
        assert all(found), f"the server did not start: {self.written()}"
        self.api, self.admin = [http.client.HTTPConnection(line[1], timeout=PATIENCE) for line in found]

    def written(self):
        self.log.seek(0)
        return self.log.read()

    def ask(self, connection, method, path, document=None):
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {} if body is None else {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.headers["Content-Type"].startswith("application/json"), response.headers
        return response.status, json.loads(response.read())

    def changed(self, status, good, document):
        """Whether a change was made; the other answer is 503, in the shape of the API."""
        if status == 503:
            assert document == NOT_STORED, document
            return False
        assert status == good, (status, document)
        return True

    def begin(self, number, state=STARTED):
        document = dict(zip(["RecordingState", "MarkingState", "SavingState"], state))
        status, document = self.ask(self.admin, "PUT", f"/sessions/{UCC}/{correlation_id(number)}", document)
        return self.changed(status, 201, document)

    def end(self, number):
        status, document = self.ask(self.admin, "DELETE", f"/sessions/{UCC}/{correlation_id(number)}")
        return self.changed(status, 200, document)

    def set(self, number, state):
        document = {
            "Action": ACTIONS[state],
            "RequesterSipUri": AGENT,
            "CorrelationId": correlation_id(number),
            "UCCName": UCC,
        }
        status, document = self.ask(self.api, "POST", "/attendantservice/api/recording/set", document)
        if self.changed(status, 200, document):
            assert document["ErrorMessage"] is None and state_of(document) == state, document
            return True
        return False

    def state(self, number):
        path = f"/attendantservice/api/recording/{UCC}/{correlation_id(number)}"
        status, document = self.ask(self.api, "GET", path)
        assert status == 200 and document["ErrorMessage"] is None, (status, document)
        return state_of(document)

    def sessions(self):
        """All that are open, as the list on the admin listener tells them."""
        found, target = {}, "/sessions?limit=1000"
        while target:
            status, document = self.ask(self.admin, "GET", target)
            assert status == 200, document
            for session in document["Sessions"]:
                found[int(session["CorrelationId"].rsplit("-")[-1], 16)] = state_of(session)
            after = document.get("Next")
            target = f"/sessions?limit=1000&after={after}" if after else None
        return found

    def is_ready(self):
        return self.ask(self.admin, "GET", "/readyz")[0] == 200

    def kill(self):
        self.process.kill()
        self.gone()

    def stop(self):
        self.process.terminate()
        assert self.gone() == 0, self.written()

    def gone(self):
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        assert "panicked" not in self.written(), self.written()
        return code

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if failure:
            print(self.written()[-1500:])
        self.log.close()


def arguments(binary, directory, *options):
    config = Path(directory) / "world.toml"
    config.write_text(CONFIG)
    listen = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "warn"]
    return [binary, *listen, "--config", config, *options]


def not_started(binary, directory, lines, *options):
    """Whether it does not start; then that it ends with code 2, and one of these lines at the end of what it says."""
    with subprocess.Popen(
        arguments(binary, directory, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        if started := process.stdout.readline():
            assert started.startswith("API"), started
            process.kill()
            return False
        code, error = process.wait(PATIENCE), process.stderr.read()
        # The last line says why; the log may have said more before it.
        last = error.splitlines()[-1] if error else ""
        assert code == 2 and last in [f"recording-server: {line}" for line in lines], (code, error)
        return True


def state_of(document):
    return tuple(document[key] for key in ["RecordingState", "MarkingState", "SavingState"])


def soon(what):
    """Waits until something is so."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.05)
