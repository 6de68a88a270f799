"""A copy of the core in which a mutant is built and tested in a second or two.

The core and all its tests are one crate there: one compilation, in small steps, and one linking, where the crate itself
links the core three times over. What is tested is the same text; only the names of the modules differ.
"""

import re
import shutil

from figures.common import ROOT, TARGET, Failed

PLACE = TARGET / "prove/mutants"
TREE = PLACE / "tree"
PARTS = ["src", "tests", "docs", "examples", "README.md", "Cargo.toml", "Cargo.lock"]
# What takes longest runs last: most mutants are found before.
LATE = ["trace", "hostile", "json_text", "fields", "decisions", "json", "laws", "json_strings", "requests", "serde"]
PROFILE = """
[profile.dev]
debug = false
opt-level = 0
incremental = true

[profile.dev.package."*"]
opt-level = 3
"""


def build():
    """Writes the copy anew."""
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        # With the time of now: what was built of a mutant before must not be taken for what is built of this.
        if source.is_dir():
            shutil.copytree(source, TREE / part, copy_function=shutil.copy)
        else:
            shutil.copy(source, TREE / part)
    _manifest()
    library = TREE / "src/lib.rs"
    library.write_text(_library(library.read_text()))


def _manifest():
    path = TREE / "Cargo.toml"
    text = path.read_text()
    text = re.sub(r"^members = .*$", 'members = ["."]', text, flags=re.M)
    text = re.sub(r"^(default-members|exclude) = .*$", "", text, flags=re.M)
    text = text.replace("[package]\n", "[package]\nautotests = false\nautoexamples = false\n", 1)
    path.write_text(text + "\n[lib]\ndoctest = false\n" + PROFILE)


def _library(text):
    if text.count("#![no_std]\n") != 1:
        raise Failed("src/lib.rs has no line `#![no_std]`")
    # The tests use std as they always do; what the core may not use is proven by other images.
    lines = [text.replace("#![no_std]\n", "#![cfg_attr(not(test), no_std)]\n")]
    lines += ["#[cfg(test)]", "extern crate self as recording_core;"]
    lines += ["#[cfg(test)]", '#[path = "../tests/support/mod.rs"]', "mod support;"]
    names = [path.stem for path in sorted((TREE / "tests").glob("*.rs"))]
    names.sort(key=lambda name: LATE.index(name) + 1 if name in LATE else 0)
    for at, name in enumerate(names):
        path = TREE / "tests" / f"{name}.rs"
        path.write_text(re.sub(r"^mod support;$", "use crate::support;", path.read_text(), flags=re.M))
        # The test harness runs its tests in the order of their names, these before those in the core's own files.
        lines += ["#[cfg(test)]", f'#[path = "../tests/{name}.rs"]', f"mod a{at:02}_{name};"]
    return "\n".join(lines) + "\n"
