"""What a server does on a disk that is full or read-only: usage: disks.py SERVER-BINARY, as somebody who may mount."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time

from server import NAMES, PAUSED, STARTED, Disk, Server, not_started, soon

BINARY = sys.argv[1]
# Longer than the server leaves a disk alone that has failed.
PAUSE = 0.6


def told_by(trail):
    """What the trail tells of the sessions, added up; and how many lines there are of each outcome."""
    text = trail.read_text()
    assert text.endswith("\n"), f"a line is torn: {text[-200:]!r}"
    sessions, undo, counts = {}, {}, {}

    def put(number, state):
        if state is None:
            del sessions[number]
        else:
            sessions[number] = state

    for line in map(json.loads, text.splitlines()):
        outcome = line["Outcome"]
        if line["Call"] != "server":
            counts[outcome] = counts.get(outcome, 0) + 1
        if outcome == "withdrawn":
            put(*undo.pop(line["Revision"]))
        elif outcome in ("opened", "changed", "ended") and line["Call"] != "server":
            number = int(line["CorrelationId"].rsplit("-")[-1], 16)
            before, after = (line.get(key) and state_named(line[key]) for key in ["Before", "After"])
            assert sessions.get(number) == before, line
            undo[line.get("Revision")] = number, before
            put(number, after)
    return sessions, counts


def state_named(text):
    return tuple(names.index(name) for names, name in zip(NAMES, text.split("/")))


def holds(server, told):
    """That the server has exactly what it answered with success."""
    found = server.sessions()
    assert found == told, dict(found.items() ^ told.items())
    for number, state in itertools.islice(told.items(), 10):
        assert server.state(number) == state, number


def churn(server, told, numbers):
    """One begin, set and end each, as far as there is room; tells how many were made and how many not."""
    made, refused = 0, 0

    def count(was_made, number, state):
        nonlocal made, refused
        if not was_made:
            refused += 1
            return
        made += 1
        if state is None:
            del told[number]
        else:
            told[number] = state

    for number in numbers:
        count(server.begin(number), number, STARTED)
        if told:
            first = next(iter(told))
            state = PAUSED if told[first] == STARTED else STARTED
            count(server.set(first, state), first, state)
            # It changes its place, so that the next one has its turn.
            told[first] = told.pop(first)
            if number % 3 == 0:
                last = next(iter(told))
                count(server.end(last), last, None)
    return made, refused


def until_full(server, told, numbers):
    """Begins sessions until one is refused, and is refused again after the server has looked at the disk again."""
    for number in numbers:
        if not server.begin(number):
            time.sleep(PAUSE)
            if not server.begin(number):
                return
        told[number] = STARTED


def starts_full(told, disk, options, trail):
    """A server starts on a full disk and has everything; one whose trail has no room for a line says so, and ends."""
    no_space = "No space left on device (os error 28)"
    lines = [f"the audit trail {trail}: {no_space}"]
    lines += [f"the store {disk.path}/sessions: the audit trail cannot be held against it: {no_space}"]
    if trail and not_started(BINARY, CONFIG.path, lines, *options):
        return
    with Server(BINARY, CONFIG.path, *options) as server:
        holds(server, told)
        server.kill()


def full_store(trail_disk):
    """The store's disk fills up; the trail, if there is one, is on the same disk or on one with room."""
    with Disk("store", "2m") as disk, Disk("trail", "8m") as roomy:
        options = ["--store", f"file:{disk.path}/sessions"]
        trail = {"the same disk": disk.path / "trail", "another disk": roomy.path / "trail"}.get(trail_disk)
        if trail:
            options += ["--audit", trail]
        told, numbers = {}, itertools.count(1)
        refused_in_all = 0
        for room, end in [(40_000, Server.stop), (0, Server.kill)]:
            with Server(BINARY, CONFIG.path, *options) as server:
                holds(server, told)
                made, refused = churn(server, told, itertools.islice(numbers, 20))
                assert made > 20 and refused == 0, (made, refused)
                disk.fill(but=room)
                until_full(server, told, numbers)
                holds(server, told)
                made, refused = churn(server, told, itertools.islice(numbers, 40))
                assert refused > 20, (made, refused)
                refused_in_all += refused
                holds(server, told)
                # There is room again, and the server is not restarted.
                disk.free()
                number = next(numbers)
                soon(lambda: server.begin(number))
                told[number] = STARTED
                soon(server.is_ready)
                made, refused = churn(server, told, itertools.islice(numbers, 20))
                assert made > 20 and refused == 0, (made, refused)
                # And none again, to the end.
                disk.fill()
                until_full(server, told, numbers)
                churn(server, told, itertools.islice(numbers, 20))
                holds(server, told)
                end(server)
            starts_full(told, disk, options, trail if trail_disk == "the same disk" else None)
            disk.free()
        with Server(BINARY, CONFIG.path, *options) as server:
            holds(server, told)
            server.stop()
        if trail:
            sessions, counts = told_by(trail)
            assert sessions == told, dict(sessions.items() ^ told.items())
            assert counts["opened"] > counts["ended"] > 0 and (trail_disk == "the same disk" or counts["withdrawn"] > 60), counts
            print(f"the trail on {trail_disk} tells the same: {counts}")
        print(f"full store: {refused_in_all} changes refused, {len(told)} sessions open, all as answered")


def full_trail(store_is_file):
    """The trail's disk fills up, and the store's does not."""
    with Disk("trail", "1m") as disk, Disk("store", "4m") as roomy:
        store = f"file:{roomy.path}/sessions" if store_is_file else "memory"
        options, trail = ["--store", store, "--audit", disk.path / "trail"], disk.path / "trail"
        with Server(BINARY, CONFIG.path, *options) as server:
            told, numbers = {}, itertools.count(1)
            made, refused = churn(server, told, itertools.islice(numbers, 20))
            assert made > 20 and refused == 0, (made, refused)
            disk.fill()
            # Lines go on until the last page of the file is full.
            first = next(iter(told))
            while server.set(first, state := PAUSED if told[first] == STARTED else STARTED):
                told[first] = state
            for _ in range(20):
                # Reads have shorter lines, and take what room there is for them.
                assert server.state(first) == told[first]
            before = trail.read_bytes()
            for _ in range(20):
                assert not server.set(first, state), "it changed something, and did not say so"
                assert not server.begin(next(numbers)) and not server.end(first)
                assert server.state(first) == told[first]
            holds(server, told)
            assert trail.read_bytes() == before and before.endswith(b"\n")
            disk.free()
            assert server.set(first, state), "there is room again"
            told[first] = state
            made, refused = churn(server, told, itertools.islice(numbers, 20))
            assert made > 20 and refused == 0, (made, refused)
            holds(server, told)
            server.stop()
        sessions, counts = told_by(trail)
        assert sessions == told, dict(sessions.items() ^ told.items())
        # A trail without room for its first line: the server does not start.
        disk.fill()
        trail.rename(disk.path / "old")
        line = f"the audit trail {trail}: No space left on device (os error 28)"
        assert not_started(BINARY, CONFIG.path, [line], *options), "it starts without a trail"
        print(f"full trail, store {store.split(':')[0]}: {counts}")


def read_only():
    """A disk that was mounted for reading only."""
    with Disk("store", "4m") as disk, Disk("roomy", "4m") as roomy:
        store, trail = disk.path / "sessions", disk.path / "trail"
        cannot = "Read-only file system (os error 30)"
        both = ["--store", f"file:{store}", "--audit", trail]
        disk.remount("ro")
        for there_is_one in [False, True]:
            line = f"the store {store}: cannot be read and written: {cannot}"
            assert not_started(BINARY, CONFIG.path, [line], "--store", f"file:{store}")
            line = f"the audit trail {trail}: {cannot}"
            for kept in ["memory", f"file:{roomy.path}/sessions", f"file:{store}"]:
                assert not_started(BINARY, CONFIG.path, [line], "--store", kept, "--audit", trail)
            disk.remount("rw")
            with Server(BINARY, CONFIG.path, *both) as server:
                assert server.sessions() == ({1: STARTED} if there_is_one else {})
                assert there_is_one or server.begin(1)
                server.stop()
            disk.remount("ro")
        print("read-only: one line, and the sessions are there when it can be written again")


def init_is_whole_or_nothing():
    """`init` on a disk with room for no file, for one, and so on: nothing is left until all of it has room."""
    with Disk("init", "256k") as disk:
        new, empty = disk.path / "new", disk.path / "empty"
        empty.mkdir(mode=0o700)

        def init(place):
            said = subprocess.run([BINARY, "init", place], capture_output=True, text=True, check=False)
            assert said.returncode == 0 or said.stderr.count("\n") == 1, said
            return said

        failed = 0
        for pages in range(30):
            disk.fill(but=4096 * pages)
            said = [init(place) for place in (new, empty)]
            if all(one.returncode == 0 for one in said):
                break
            for one, place in zip(said, (new, empty)):
                if one.returncode == 0:
                    shutil.rmtree(place)
                    empty.mkdir(mode=0o700, exist_ok=True)
                else:
                    assert one.returncode == 1 and "No space left on device" in one.stderr, one
                    failed += 1
            assert sorted(os.listdir(disk.path)) == ["ballast", "empty"] and not os.listdir(empty)
            disk.free()
        assert failed > 8 and sorted(os.listdir(new)) == sorted(os.listdir(empty)), failed
        shutil.rmtree(new)
        disk.remount("ro")
        said = init(new)
        assert said.returncode == 1 and "Read-only file system" in said.stderr, said
        print(f"init: nothing was left {failed} times, then everything was there")


def main():
    init_is_whole_or_nothing()
    for trail in [None, "another disk", "the same disk"]:
        full_store(trail)
    for store_is_file in [False, True]:
        full_trail(store_is_file)
    read_only()


with Disk("config", "1m") as CONFIG:
    main()
