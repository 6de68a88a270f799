"""Requests a second, and how long they take: wrk with 64 connections, beside the store alone."""

import re
import subprocess
from pathlib import Path

from figures import common

from .programs import ID, RELEASE, UCC, Connection, Goal, in_file, need_wrk, place, request, running, server

CLIENTS = 64
SESSIONS = 6400
TOGGLE = Path(__file__).resolve().parents[1] / "toggle.lua"

ALONE, DURABLE, DURABLE_TOLD = "store alone", "set, on disk", "set, on disk, with its line in the trail on disk"


def ids():
    """As `store-alone fill` has them."""
    for number in range(SESSIONS):
        digits = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"
        yield "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def begin_all(port):
    connection = Connection(port)
    for correlation_id in ids():
        connection.exchange(request("PUT", f"/sessions/{UCC}/{correlation_id}"))
    connection.close()


def wrk(port, seconds, path="/", script=()):
    common_options = [f"-c{CLIENTS}", "-t2", f"-d{seconds}s", "--latency"]
    said = common.run("wrk", *common_options, *script[:2], f"http://127.0.0.1:{port}{path}", *script[2:])
    if "not answered" in said or "Non-2xx" in said or "Socket errors" in said:
        raise common.Failed(f"not every request was answered with 200:\n{said}")
    milliseconds = {"us": 0.001, "ms": 1, "s": 1000}

    def latency(share):
        found = re.search(rf"^ +{share}% +([0-9.]+)(us|ms|s)$", said, re.M)
        return float(found[1]) * milliseconds[found[2]]

    return float(re.search(r"^Requests/sec: +([0-9.]+)", said, re.M)[1]), latency(50), latency(99)


def alone(directory, seconds):
    for left in directory.glob("alone*"):
        left.unlink()
    said = common.run(RELEASE / "store-alone", "commit", directory / "alone", SESSIONS, CLIENTS, seconds)
    return float(said), None, None


def measure(seconds):
    version = need_wrk()
    rows = {}
    with place() as directory:
        listed = directory / "ids"
        listed.write_text("\n".join(ids()) + "\n")
        toggle = ("-s", TOGGLE, "--", listed)

        def load(what, command, path="/", script=(), begins=False):
            common.say(f"load: {what}")
            with running(command, stderr=subprocess.DEVNULL) as program:
                if begins:
                    begin_all(program.admin)
                rows[what] = wrk(program.api, seconds, path, script)

        def fresh():
            for left in directory.glob("sessions*"):
                left.unlink()
            common.run(RELEASE / "store-alone", "fill", directory / "sessions", SESSIONS)

        state = f"/attendantservice/api/recording/{UCC}/{ID}"
        load("bare GET", [RELEASE / "bare"], "/hello")
        load("read of a state", server("--rate", "off"), state)
        load("set, in memory", server("--rate", "off"), script=toggle, begins=True)
        audit = ("--audit", directory / "trail")
        load("set, in memory, with its line in the trail", server("--rate", "off", *audit), script=toggle, begins=True)
        # Beside each other, twice: a disk that others use changes its mind.
        best = {}
        for _ in range(2):
            common.say(f"load: {ALONE}")
            rows[ALONE] = alone(directory, seconds)
            fresh()
            load(DURABLE, in_file(directory), script=toggle)
            fresh()
            (directory / "trail").unlink()
            load(DURABLE_TOLD, in_file(directory, *audit), script=toggle)
            for what in (ALONE, DURABLE, DURABLE_TOLD):
                best[what] = max(best.get(what, (0,)), rows.pop(what))
        rows |= best
    return {"wrk": version, "rows": rows, "seconds": seconds}


def table(measured):
    yield "| load | a second | p50 (ms) | p99 (ms) |"
    yield "|---|--:|--:|--:|"
    for what, (rate, p50, p99) in measured["rows"].items():
        times = f"{p50:.2f} | {p99:.2f}" if p50 else " | "
        yield f"| {what} | {rate:,.0f} | {times} |"


def goals(measured):
    rows = measured["rows"]
    share = rows[DURABLE][0] / rows[ALONE][0]
    return [
        Goal(
            f"durable sets of {CLIENTS} clients at once",
            f"at least a third of the {ALONE} in groups of {CLIENTS}",
            f"{share:.2f}",
            share >= 1 / 3,
        )
    ]
