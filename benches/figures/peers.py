"""Ours beside others: instructions and time at the same work."""

import json
import re

from . import common
from .common import ROOT, TARGET, Failed, say

CRATE = ROOT / "benches/peers"
OURS = "recording-core"
# At least so many times faster than these, in time.
WANTED = {"plain match": 3, "statig": 4, "rust-fsm": 4, "smlang": 4}
# Two numbers of runs, for units of work of one and of many.
FEW, MANY = 100, 1100
FEW_CHAINS, MANY_CHAINS = 2, 22


def versions():
    """The versions of the crates compared, from their lock file."""
    lock = (CRATE / "Cargo.lock").read_text()
    names = "statig|rust-fsm|smlang|serde_json|serde-json-core|sonic-rs|simd-json|jiter|criterion"
    return dict(re.findall(rf'^name = "({names})"\nversion = "([^"]+)"', lock, re.M))


def count():
    """Instructions of each workload, by group and name: the difference between two numbers of runs."""
    common.need_valgrind()
    common.run("cargo", "build", "--quiet", "--locked", "--release", "--bin", "count", cwd=CRATE, env=_target())
    binary = TARGET / "figures-peers/release/count"
    counts = {}
    for line in common.run(binary).splitlines():
        place, group, name, units = line.split("\t")
        few, many = (FEW, MANY) if units == "1" else (FEW_CHAINS, MANY_CHAINS)
        collected = [_collected(binary, place, times) for times in (few, many)]
        counts[group, name] = (collected[1] - collected[0]) / (many - few) / int(units)
    return counts


def _target():
    return {"CARGO_TARGET_DIR": str(TARGET / "figures-peers")}


def _collected(binary, place, times):
    said = common.run(
        *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1", binary, place, times)
    )
    return int(re.search(r"Collected : (\d+)", said)[1])


def measure(quick):
    """Rows of group, name, instructions, nanoseconds (the fastest of interleaved rounds), the median of criterion."""
    common.need_toolchain()
    say("comparing with other crates")
    common.run("cargo", "test", "--quiet", "--locked", cwd=CRATE, env=_target(), quiet=True)
    options = ["--rounds"] if quick else []
    output = common.run(
        *("cargo", "bench", "--quiet", "--locked", "--bench", "peers", "--", *options), cwd=CRATE, env=_target()
    )
    counts = count()
    rows = []
    for line in output.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            key = found["group"], found["name"]
            rows.append((*key, counts[key], found["min_ns"], None if quick else criterion(*key)))
    if len(rows) != len(counts):
        raise Failed("counted and timed differ")
    return rows


def criterion(group, name):
    """The median that criterion found, in nanoseconds a unit of work."""
    for place in (TARGET / "figures-peers/criterion").glob("*/*/new"):
        about = json.loads((place / "benchmark.json").read_text())
        if (about["group_id"], about["function_id"]) == (group, name):
            median = json.loads((place / "estimates.json").read_text())["median"]["point_estimate"]
            return median / about["throughput"]["Elements"]
    raise Failed(f"criterion has no estimate of {name} at {group}")


def table(rows):
    yield "| what | by | instructions | ns | times ours | ns by criterion |"
    yield "|---|---|--:|--:|--:|--:|"
    fastest = {group: time for group, name, _, time, _ in rows if name == OURS}
    for group, name, count, time, median in rows:
        digits = 1 if count < 100 else 0
        name = f"**{name}**" if name == OURS else name
        other = "" if median is None else f"{median:.3g}"
        yield f"| {group} | {name} | {count:,.{digits}f} | {time:.3g} | {time / fastest[group]:.2f} | {other} |"


def claims(rows):
    """What is claimed of the times of a transition, and whether it holds in this run."""
    times = {name: time for group, name, _, time, _ in rows if group == "transition"}
    for name, wanted in WANTED.items():
        reached = times[name] / times[OURS]
        verdict = "reached" if reached >= wanted else "**not reached**"
        yield f"- {reached:.1f} times as fast as {name}; wanted: {wanted}, {verdict}"
