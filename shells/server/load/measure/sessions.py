"""A hundred thousand open sessions: what they take, and how soon they are there."""

import subprocess

from figures import common

from .programs import RELEASE, Goal, in_file, place, running

OPEN = 100_000
MOST_BYTES = 300
MOST_SECONDS = 2


def measure():
    common.say(f"{OPEN:,} sessions")
    memory = float(common.run(RELEASE / "store-alone", "memory", OPEN))
    with place() as directory:
        command = in_file(directory)
        with running(command, stderr=subprocess.DEVNULL) as empty:
            nothing = empty.resident()
        for left in directory.glob("sessions*"):
            left.unlink()
        common.run(RELEASE / "store-alone", "fill", directory / "sessions", OPEN)
        with running(command, stderr=subprocess.DEVNULL) as full:
            after_end, resident = full.ready_after, full.resident()
            full.kill()
        size = (directory / "sessions").stat().st_size
        with running(command, stderr=subprocess.DEVNULL) as again:
            after_kill = again.ready_after
    return {
        "memory": memory,
        "file": (resident - nothing) / OPEN,
        "disk": size / OPEN,
        "after end": after_end,
        "after kill": after_kill,
    }


def table(measured):
    yield f"| {OPEN:,} open sessions | |"
    yield "|---|--:|"
    yield f"| memory, store in memory | {measured['memory']:.0f} bytes a session |"
    yield f"| memory, store in a file | {measured['file']:.0f} bytes a session |"
    yield f"| the file | {measured['disk']:.0f} bytes a session |"
    yield f"| from start to ready, after an end in order | {measured['after end']:.2f} s |"
    yield f"| from start to ready, after SIGKILL | {measured['after kill']:.2f} s |"


def goals(measured):
    memory, ready = measured["memory"], max(measured["after end"], measured["after kill"])
    return [
        Goal("memory of an open session, in memory mode", f"under {MOST_BYTES} bytes", f"{memory:.0f}", memory < MOST_BYTES),
        Goal(f"ready with {OPEN:,} sessions", f"within {MOST_SECONDS} s", f"{ready:.2f} s", ready <= MOST_SECONDS),
    ]
