"""Exact counts of instructions, held against the budgets."""

import csv
import json
import math

from . import common
from .common import ROOT, say

BUDGETS = ROOT / "benches/instructions/budgets.csv"
PROFILE = {
    "CARGO_PROFILE_BENCH_OPT_LEVEL": "3",
    "CARGO_PROFILE_BENCH_LTO": "fat",
    "CARGO_PROFILE_BENCH_CODEGEN_UNITS": "1",
}
# How much more than what is reached today passes, for what differs between machines: the C library's memcpy.
SLACK = 1.01


class Row:
    """One line of the budgets, and what was measured."""

    def __init__(self, line):
        self.name, self.what = line["name"], line["what"]
        # How many units of work one count has in it.
        self.units = int(line["units"])
        # What we want, and what may not be exceeded.
        self.goal = float(line["goal"]) if line["goal"] else None
        self.limit = float(line["limit"]) if line["limit"] else None
        self.measured = None

    def line(self):
        goal = "" if self.goal is None else f"{self.goal:g}"
        return [self.name, self.units, goal, "" if self.limit is None else f"{self.limit:g}", self.what]

    def precision(self):
        """Counts of one go are whole numbers, means are not."""
        return 10 if self.units > 1 else 1

    def accept(self):
        self.limit = math.ceil(self.measured * SLACK * self.precision()) / self.precision()

    def too_high(self):
        return self.limit is None or self.measured > self.limit

    def goal_is_reached(self):
        """To the digit that is shown: what leads into a chain is not of its steps."""
        return self.goal is None or round(self.measured, 1) <= self.goal


def budgets():
    with BUDGETS.open(newline="") as file:
        return [Row(line) for line in csv.DictReader(file)]


def write_budgets(rows):
    with BUDGETS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "units", "goal", "limit", "what"])
        writer.writerows(row.line() for row in rows)


def measure():
    """The rows of the budgets with what is measured now."""
    common.need_toolchain()
    valgrind = common.need_valgrind()
    version, runner = common.need_runner()
    say("counting instructions")
    output = common.run(
        *("cargo", "bench", "--quiet", "--locked", "-p", "recording-instructions", "--bench", "counts"),
        *("--", "--output-format=json"),
        env=PROFILE | {"GUNGRAUN_RUNNER": str(runner)},
    )
    counts = {}
    for line in output.splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            metrics = found["profiles"][0]["data"]["total"]["metrics"]
            counts[f"{found['function_name']}.{found['id']}"] = metrics["Ir"]["values"]["new"]
    rows = budgets()
    missing = {row.name for row in rows} ^ counts.keys()
    if missing:
        raise common.Failed(f"counted and budgeted differ: {', '.join(sorted(missing))}")
    for row in rows:
        row.measured = counts[row.name] / row.units
    return rows, {"valgrind": valgrind, "gungraun": version}


def number(value):
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def table(rows):
    """The lines of a table in Markdown."""
    yield "| what | instructions | budget | |"
    yield "|---|--:|--:|---|"
    for row in rows:
        goal, verdict = "", ""
        if row.goal is not None:
            goal = number(row.goal)
            off = row.measured / row.goal - 1
            verdict = "reached" if row.goal_is_reached() else f"**{off:.1%} over**"
        yield f"| {row.what} | {number(row.measured)} | {goal} | {verdict} |"


def gate(accept):
    """Fails if anything takes more instructions than its limit."""
    rows, _ = measure()
    if accept:
        for row in rows:
            row.accept()
        write_budgets(rows)
    print(f"{'':24} {'measured':>10} {'limit':>10} {'goal':>10}")
    for row in rows:
        goal = "" if row.goal is None else number(row.goal)
        limit = "none" if row.limit is None else f"{row.limit:,g}"
        remark = "" if row.goal_is_reached() else f"  {row.measured / row.goal - 1:.1%} over its goal"
        if row.too_high():
            remark = "  TOO HIGH"
        print(f"{row.name:24} {row.measured:>10,.1f} {limit:>10} {goal:>10}{remark}")
    worse = [row for row in rows if row.too_high()]
    for row in worse:
        print(
            f"gate: {row.what}: {row.measured:,.1f} instructions, and at most {row.limit} are allowed. If that is"
            " meant, `./figures --gate --accept` takes it over."
        )
    return not worse
