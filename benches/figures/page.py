"""Writes what was measured: docs/figures.md."""

from . import common, instructions, metal, peers
from .common import ROOT

PAGE = ROOT / "docs/figures.md"


def write(quick):
    rows, tools = instructions.measure()
    images, stacks = metal.measure()
    parts = list(metal.parts_table(metal.parts(*metal.BUILDS[0])))
    compared = peers.measure(quick)
    metal.print_largest(images[:1])

    counts = list(instructions.table(rows))
    sizes, depths = list(metal.size_table(images)), list(metal.stack_table(stacks))
    beside, claims = list(peers.table(compared)), list(peers.claims(compared))
    versions = ", ".join(f"{name} {version}" for name, version in peers.versions().items())
    setting = [
        f"Measured on {common.machine()} with {common.rustc_version()}, {tools['valgrind']}, gungraun"
        f" {tools['gungraun']}. Compared: {versions}.",
    ]

    PAGE.write_text(
        "\n".join(
            [
                "# Figures",
                "",
                "Written by `./figures`, which measures all of it anew and installs what it needs for that. `./figures"
                " --gate` holds the instruction counts against `benches/instructions/budgets.csv` and nothing else: CI"
                " does that.",
                "",
                *setting,
                "",
                "## Instructions",
                "",
                "Counted by callgrind at opt-level 3 with fat LTO: the same on every run. The budget is what we want; a"
                " count that grows by more than 1 % fails the gate, whether its budget is reached or not. Inputs and"
                " outputs are hidden from the optimiser.",
                "",
                *counts,
                "",
                "The last three lines are the cost of a desk's look-up, which does not grow with the number of sessions.",
                "",
                "## Beside others",
                "",
                "The same work by others, in one process (`benches/peers`; a test shows that all agree). ns is the"
                " fastest of 61 rounds in which everything has its turn: use the ratios, times of a shared machine mean"
                " little. In the reading of a body the others have the easier task: they hand out unchecked strings,"
                " ours are a GUID, a SIP URI and a name by then. In the writing too: their id is a string already.",
                "",
                *beside,
                "",
                "One transition is, by the ratio of these times,",
                "",
                *claims,
                "",
                "## Size",
                "",
                "Bytes of `.text` and `.rodata` of a linked image without scaffolding (`proofs/size`): all endpoints from"
                " request bytes to reply and event bytes, sessions that begin and end, on a desk. Fat LTO,"
                " one codegen unit. Filling the directory, the readers for clients, `Display` and the names of call-detail"
                " records are not in it.",
                "",
                *sizes,
                "",
                f"Where they are, for {metal.BUILDS[0][0]} at `{metal.BUILDS[0][1]}`, by the file of each instruction's line:",
                "",
                *parts,
                "",
                "Why the goal is not reached, though no memcpy is left and no table is there for speed: what remains is what"
                " the protocol asks for. A fifth is constants, mostly the texts, to the letter. A body is read by all of"
                " RFC 8259, escapes and surrogates included, and of what is wrong with it the place and the field are told;"
                " targets are read in absolute form and with percent codes, ids in three forms. Rust's check of UTF-8 takes"
                " 300 bytes of code and a table of 256. The protocol is not shortened for it.",
                "",
                "## Stack",
                "",
                "From request to reply, the caller's buffers apart: the deepest path through the calls of the linked image"
                " with the frames that the compiler notes. There is no recursion and no call through a pointer from"
                " constants, else this could not be computed.",
                "",
                *depths,
                "",
            ]
        )
    )
    common.say(f"{PAGE.relative_to(ROOT)} is written")
    print("\n".join(["", *counts, "", *beside, "", *claims, "", *sizes, "", *depths]))
