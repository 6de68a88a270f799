"""What the source of the core may not have, and what it may depend on."""

import os
import re

from figures import common
from figures.common import ROOT, Failed

from . import tools

DENY = ROOT / "proofs/deny.toml"


def _code(path):
    """The lines of a file without comments, texts and its own tests."""
    text = path.read_text()
    text = re.split(r"^#\[cfg\(test\)\]\nmod tests \{", text, flags=re.M)[0]
    for at, line in enumerate(text.splitlines(), 1):
        line = re.sub(r'b?"(\\.|[^"\\])*"', '""', line)
        yield at, line.split("//")[0]


def no_unsafe_no_alloc():
    """No unsafe code, no allocator and no standard library in the core's own source."""
    library = (ROOT / "src/lib.rs").read_text()
    for attribute in ("#![no_std]", "#![forbid(unsafe_code)]"):
        if f"\n{attribute}\n" not in library:
            raise Failed(f"src/lib.rs has no {attribute}")
    files = sorted((ROOT / "src").rglob("*.rs"))
    problems = []
    for path in files:
        for at, line in _code(path):
            if found := re.search(r"\bunsafe\b(?!_code)|\bextern crate\b|\b(std|alloc)::|\bextern \"|\bstatic mut\b", line):
                problems.append(f"{path.relative_to(ROOT)}:{at}: {found[0]}: {line.strip()}")
    if problems:
        raise Failed(f"{len(problems)} places\n" + "\n".join(problems))
    return f"forbidden in {len(files)} files and not found in any"


def dependencies():
    """Licences, sources and bans, by cargo-deny, and that no dependency is unused, by cargo-machete."""
    env = {"PATH": f"{tools.need('cargo-deny').parent}:{os.environ['PATH']}"}
    deny = ["--all-features", "--color=never", "--config", DENY, "check", "bans", "licenses", "sources"]
    common.run("cargo", "deny", *deny, env=env, quiet=True)
    said = common.run(tools.need("cargo-machete"), ".", quiet=True, merged=True)
    if "didn't find any unused dependencies" not in said:
        raise Failed(said)
    core = [len(_dependencies(*features)) for features in (["--no-default-features"], [])]
    return f"licences, sources and bans hold, none is unused; the core has {core[0]}, with its default features {core[1]}"


def _dependencies(*features):
    """What a device gets besides the core itself."""
    tree = common.run("cargo", "tree", "--locked", "-p", "recording-core", "-e", "normal,no-proc-macro", "--prefix=none", *features)
    return {line.split()[0] for line in tree.splitlines() if line} - {"recording-core"}
