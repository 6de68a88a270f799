"""The listeners of docs/events.md, as they are pasted into a file: each must still be there when a change is made, and print it.

usage: samples.py SERVER-BINARY PYTHON"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parents[3] / "docs/events.md"
SESSION = "1d6c6a58-6739-4f0c-98ff-0968292c8c30"
PATIENCE = 60


def blocks(page, language, count):
    found = re.findall(rf"^```{language}\n(.*?)^```", page, re.S | re.M)
    if len(found) != count:
        sys.exit(f"samples: {PAGE} has {len(found)} programs in {language}")
    return found


@contextlib.contextmanager
def process(*arguments, **options):
    """A process whose standard input stays open, and the lines that it has printed so far."""
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options) as started:
        lines = []
        reader = threading.Thread(target=lambda: [lines.append(line) for line in started.stdout], daemon=True)
        reader.start()
        try:
            yield started, lines
        finally:
            started.kill()
            reader.join(10)


def wait(what, found):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (value := found()) is not None:
            return value
        time.sleep(0.1)
    sys.exit(f"samples: {what}: not within {PATIENCE} s")


def change(api, number):
    """Pause and Start by turns."""
    body = {"Action": ["Pause", "Start"][number % 2], "RequesterSipUri": "sip:agent@domain.com", "CorrelationId": SESSION}
    body = json.dumps(body | {"UCCName": "ucc-demo-name"}).encode()
    target = f"{api}/attendantservice/api/recording/set"
    with urllib.request.urlopen(urllib.request.Request(target, body, {"Content-Type": "application/json"}), timeout=10) as reply:
        assert json.load(reply)["ErrorMessage"] is None


def main(server, python):
    page = PAGE.read_text()
    [script] = blocks(page, "js", 1)
    programs = [("listen.mjs", ["node"], script)]
    programs += [(f"listen{at}.py", [python, "-u"], text) for at, text in enumerate(blocks(page, "python", 2))]
    with process(server, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "off") as (_, said):
        api = wait("the server's address", lambda: next((line.split()[1] for line in said if line.startswith("API")), None))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "node_modules").symlink_to(HERE / "node_modules")
            for name, command, text in programs:
                if text.count("http://127.0.0.1:8080/") != 1:
                    sys.exit(f"samples: {name} names the address {text.count('http://127.0.0.1:8080/')} times")
                (folder / name).write_text(text.replace("http://127.0.0.1:8080", api))
                with process(*command, name, cwd=folder) as (started, lines):
                    number = 0

                    def heard():
                        nonlocal number
                        if started.poll() is not None:
                            sys.exit(f"samples: {name} ended by itself: {lines}")
                        change(api, number)
                        number += 1
                        time.sleep(0.3)
                        return next((line for line in lines if SESSION in line), None)

                    wait(f"{name} prints an event", heard)
    print(f"{len(programs)} programs of docs/events.md hear events, as they are pasted")


if __name__ == "__main__":
    main(*sys.argv[1:])
