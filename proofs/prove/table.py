"""Running proofs one after the other, and the table of what they said."""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from figures import common
from figures.common import ROOT, Failed, say

PAGE = ROOT / "docs/proofs.md"
BEGIN, END = "<!-- proofs: written by `./prove --write` -->", "<!-- end of proofs -->"


@dataclass
class Proof:
    """One line of the table."""

    name: str
    shows: str
    # Gives the result as a short text; raises `Failed` if it does not hold.
    run: Callable[[], str]
    # What it does not show.
    outside: str
    # Too long for 20 minutes with all the others.
    long: bool = False
    # Quick, and not run by `.ci/run` in a step of its own.
    ci: bool = False


@dataclass
class Line:
    proof: Proof
    holds: bool
    result: str
    seconds: float


def run(proofs):
    lines = []
    for at, proof in enumerate(proofs, 1):
        say(f"{at} of {len(proofs)}: {proof.name}")
        started = time.monotonic()
        try:
            holds, result = True, proof.run()
        except Failed as failure:
            holds, result = False, str(failure)
            print(f"prove: {proof.name} DOES NOT HOLD: {failure}", file=sys.stderr, flush=True)
        lines.append(Line(proof, holds, result, time.monotonic() - started))
    return lines


def _time(seconds):
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _result(line):
    first = line.result.strip().splitlines()[0] if line.result.strip() else ""
    return first if line.holds else f"DOES NOT HOLD: {first}"


def printed(lines):
    rows = [("proof", "shows", "result", "time")]
    rows += [(line.proof.name, line.proof.shows, _result(line), _time(line.seconds)) for line in lines]
    names, times = max(len(row[0]) for row in rows), max(len(row[3]) for row in rows)
    text = [f"{name:{names}}  {took:>{times}}  {shows}\n{'':{names}}  {'':{times}}  -> {result}" for name, shows, result, took in rows[1:]]
    failed = [line.proof.name for line in lines if not line.holds]
    end = f"{len(failed)} of {len(lines)} DO NOT HOLD: {', '.join(failed)}" if failed else f"all {len(lines)} hold"
    return "\n".join([*text, "", end])


def listed(proofs):
    names = max(len(proof.name) for proof in proofs)
    return "\n".join(f"{proof.name:{names}}  {'long ' if proof.long else '     '} {proof.shows}" for proof in proofs)


def core():
    """The Git tree of the core's source, by which a line of the table says what it ran on; it has to be committed."""
    if changed := common.run("git", "status", "--porcelain", "--", "src").strip():
        raise Failed(f"{PAGE.name} cannot be written, since src/ has changes that are not committed:\n{changed}")
    return common.run("git", "rev-parse", "--short=10", "HEAD:src").strip()


def write(proofs, lines, tree):
    """Writes what ran into the table; the lines of the others stay, with the core that they ran on."""
    failed = [line.proof.name for line in lines if not line.holds]
    if failed:
        raise Failed(f"{PAGE.name} is not written, since these do not hold: {', '.join(failed)}")
    if core() != tree:
        raise Failed(f"{PAGE.name} is not written, since src/ changed while the proofs ran")
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    old, after = rest.split(END)
    known = {name: row for name, row in re.findall(r"^\| (\S+) (\|.*)$", old, re.M) if "| not written yet |" not in row}
    for line in lines:
        took = f"{_time(line.seconds)}{', only with `--all`' if line.proof.long else ''}"
        known[line.proof.name] = f"| {line.proof.shows} | {_result(line)} | {took} | {line.proof.outside} | `{tree}` |"
    rows = ["| proof | shows | result | time | outside | core |", "|---|---|---|---|---|---|"]
    for proof in proofs:
        rows.append(f"| {proof.name} {known.get(proof.name, f'| {proof.shows} | not written yet | | {proof.outside} | |')}")
    versions = f"On {common.machine()}, with {common.rustc_version()} and {common.rustc_version(common.NIGHTLY)}."
    PAGE.write_text(f"{before}{BEGIN}\n{versions}\n\n" + "\n".join(rows) + f"\n{END}{after}")
