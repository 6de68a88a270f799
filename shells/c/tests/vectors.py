"""The wire vectors and the table of transitions, for whatever runs them from Python."""

import csv
import json
from pathlib import Path

VECTORS = Path(__file__).resolve().parents[3] / "tests/vectors"
RECORDING = ["Uninitialized", "Started", "Stopped", "Paused"]
MARKING = ["None", "Mark", "Unmark"]
SAVING = ["None", "Save", "Delete"]
SWITCHES = ["recording_api_licensed", "use_audio_recording", "agent_can_edit_audio_recording", "save_recording_by_default"]


def wire():
    return json.loads((VECTORS / "wire.json").read_text())


def transitions():
    with open(VECTORS / "transitions.csv", newline="") as file:
        return list(csv.DictReader(file))


def state(recording, marking, saving):
    """The byte of a state, by its documented layout."""
    return RECORDING.index(recording) | MARKING.index(marking) << 2 | SAVING.index(saving) << 4


def switches(ucc):
    """The five settings of a UCC, as the library has them."""
    return [int(ucc[name]) for name in SWITCHES] + [int(ucc["repeats"] == "refuse")]


def world_file(world):
    """The world as examples/world.h reads it."""
    lines = []
    for ucc in world["uccs"]:
        lines.append(["ucc", ucc["name"], "".join(map(str, switches(ucc)))])
        lines += [["agent", ucc["name"], agent] for agent in ucc["agents"]]
    for session in world["sessions"]:
        byte = state(session["recording"], session["marking"], session["saving"])
        lines.append(["session", session["ucc"], session["correlation_id"], str(byte)])
    return "".join("\t".join(line) + "\n" for line in lines)


def faults(case, status, reply, event):
    """What is wrong with an answer to a case; reply and event are text, event is None if there was none."""
    wrong = []
    if status != case["status"]:
        wrong.append(f"status {status} instead of {case['status']}")
    if event != case["event"]:
        wrong.append(f"event {event!r} instead of {case['event']!r}")
    if "reply" in case:
        if reply != case["reply"]:
            wrong.append(f"reply {reply!r} instead of {case['reply']!r}")
    else:
        document = json.loads(reply)
        error = document.get("ErrorMessage") or {}
        if list(document) != ["ErrorMessage"] or error.get("ErrorType") != case["error_type"]:
            wrong.append(f"reply {reply!r} is not the bare error of type {case['error_type']}")
        if case.get("names_field") and case["names_field"] not in error.get("Message", ""):
            wrong.append(f"reply {reply!r} does not name {case['names_field']}")
    return wrong


def run(how, answer):
    """Runs every case by answer(world, case) -> (status, reply, event), each in a world of its own."""
    vectors = wire()
    failed = 0
    for case in vectors["cases"]:
        if wrong := faults(case, *answer(vectors["world"], case)):
            failed += 1
            print(f"{how}: {case['name']}: {'; '.join(wrong)}")
    print(f"{how}: {len(vectors['cases'])} wire vectors, {failed} failed")
    return failed == 0 and len(vectors["cases"]) > 100
