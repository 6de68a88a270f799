"""A server of its own for a check, on ports that the system chooses."""

import contextlib
import http.client
import re
import socket
import subprocess
import sys


UCC = """[[ucc]]
name = "ucc-demo-name"
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = true
agents = ["sip:agent@domain.com"]
"""
# The same with a recorder by HTTP, at an address that is still to be given. What is added is of the UCC.
UCC_WITH_RECORDER = (
    """[[recorder]]
name = "own"
kind = "http"
url = "http://{}/orders"
"""
    + UCC
    + 'recorder = "own"\n'
)


def fail(text):
    sys.exit(f"{sys.argv[0]}: {text}")


def free_port(kind=socket.SOCK_STREAM):
    """A port of loopback on which nothing listens."""
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def request(address, method, target, body=None, headers=()):
    """One request; gives status, headers and body."""
    connection = http.client.HTTPConnection(address, timeout=60)
    # The target as it is: the client library would refuse some that the checks need.
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    found = response.status, response.headers, response.read()
    connection.close()
    return found


@contextlib.contextmanager
def running(binary, *options):
    """The addresses of the API and of the admin listener of a server that runs."""
    with started(binary, *options) as (_, addresses):
        yield addresses


@contextlib.contextmanager
def started(binary, *options):
    """A server's process, and these addresses."""
    arguments = [binary, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *options]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            seen = []
            for line in process.stderr:
                seen.append(line)
                listening = re.search(r"listening.* api=(\S+) admin=(\S+)|api=(\S+) admin=(\S+).*", line)
                if listening:
                    break
            else:
                fail(f"the server did not start: {''.join(seen)}")
            yield process, [part for part in listening.groups() if part]
        finally:
            process.terminate()
            process.stderr.read()
            process.wait(60)
