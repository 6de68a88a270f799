"""Instructions a request, by callgrind: the difference of two numbers of requests, divided."""

import re
import subprocess

from figures import common

from .programs import ID, RELEASE, UCC, Connection, Goal, place, request, running, server, set_body

FEW, MANY = 1000, 3000

STATE = request("GET", f"/attendantservice/api/recording/{UCC}/{ID}")
# Pause and Start in turns, so that every one is a change.
SETS = [request("POST", "/attendantservice/api/recording/set", set_body(action)) for action in (3, 1)]


def count(directory, command, requests, number):
    """Instructions of a whole run with so many requests."""
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory / 'callgrind.out'}"]
    log = directory / "valgrind.log"
    valgrind.append(f"--log-file={log}")
    # One thread does all the work: what is counted does not depend on which of them was free.
    with running([*valgrind, *command], {"TOKIO_WORKER_THREADS": "1"}, subprocess.DEVNULL) as program:
        connection = Connection(program.api)
        for index in range(number):
            reply = connection.exchange(requests[index % len(requests)])
            if not reply.startswith(b"HTTP/1.1 200 "):
                raise common.Failed(f"{command[0]} answered {reply!r}")
        connection.close()
        program.process.terminate()
        program.process.wait(120)
    found = re.search(r"Collected : (\d+)", log.read_text())
    if not found:
        # A program without an end of its own is ended by the signal; valgrind tells all the same.
        raise common.Failed(f"valgrind told nothing of {command[0]}:\n{log.read_text()}")
    return int(found[1])


def measure():
    common.need_valgrind()
    bare = [RELEASE / "bare"]
    counts = {}
    with place() as directory:
        audit = ["--audit", directory / "trail"]
        for what, command, requests in [
            ("bare GET", bare, [request("GET", "/hello")]),
            ("read of a state", server(), [STATE]),
            ("read of a state, with its line in the trail", server(*audit), [STATE]),
            ("bare POST", bare, [request("POST", "/set", set_body(3))]),
            ("set in memory", server(), SETS),
            ("set in memory, with its line in the trail", server(*audit), SETS),
        ]:
            common.say(f"counting instructions: {what}")
            few, many = (count(directory, command, requests, number) for number in (FEW, MANY))
            counts[what] = (many - few) / (MANY - FEW)
    return counts


def table(counts):
    yield "| request | instructions | of the bare one |"
    yield "|---|--:|--:|"
    for what, instructions in counts.items():
        bare = counts["bare GET" if "GET" in what or "read" in what else "bare POST"]
        yield f"| {what} | {instructions:,.0f} | {instructions / bare:.2f} |"


def goals(counts):
    def goal(what, bare, most):
        ratio = counts[what] / counts[bare]
        return Goal(f"instructions of a {what}", f"at most {most} times the {bare}", f"{ratio:.2f}", ratio <= most)

    return [
        goal("read of a state", "bare GET", 1.1),
        goal("set in memory", "bare POST", 1.0),
        goal("set in memory, with its line in the trail", "bare POST", 1.3),
    ]
