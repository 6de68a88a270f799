"""Writes what was measured: docs/server-figures.md."""

from figures import common
from figures.common import ROOT

from . import durable, instructions, sessions

PAGE = ROOT / "docs/server-figures.md"


def write(counts, loads, open_sessions):
    goals = [*instructions.goals(counts), *durable.goals(loads), *sessions.goals(open_sessions)]
    reached = ["| what | wanted | found | |", "|---|---|--:|---|", *(goal.line() for goal in goals)]
    setting = (
        f"Measured on {common.machine()} with {common.rustc_version()}, {common.need_valgrind()}, wrk {loads['wrk']}."
    )
    lines = [
        "# The server's figures",
        "",
        "Written by `shells/server/load/figures`, which measures all of it anew and installs what it needs for that. Only"
        " what was measured in the same run can be compared; times of a machine that others use mean little.",
        "",
        setting,
        "",
        *reached,
        "",
        "## Instructions of a request",
        "",
        f"Counted by callgrind, in user space: the difference of runs with {instructions.FEW:,} and"
        f" {instructions.MANY:,} requests on one connection, with one worker thread and without log. The bare ones are"
        " axum handlers (`shells/server/load/src/bare.rs`) on the same versions of hyper, axum and tokio: `GET /hello`"
        " answers with a constant as long as a state's reply; the POST decodes the same body by serde and answers by"
        " serde in the same shape. They check nothing, keep nothing and set no limits.",
        "",
        *instructions.table(counts),
        "",
        "## Load",
        "",
        f"wrk on the same machine, {durable.CLIENTS} connections, {loads['seconds']} s each, sets over"
        f" {durable.SESSIONS:,} sessions of which every one is a change. The store alone changes as many sessions in groups"
        f" of {durable.CLIENTS}, without a server; it and the durable sets took turns, twice, and the better of two"
        " counts. On disk means forced there (`fdatasync`) before the reply.",
        "",
        *durable.table(loads),
        "",
        "## Open sessions",
        "",
        *sessions.table(open_sessions),
        "",
    ]
    PAGE.write_text("\n".join(lines))
    common.say(f"{PAGE.relative_to(ROOT)} is written")
    print("\n".join(lines))
