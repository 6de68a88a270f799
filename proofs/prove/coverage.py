"""Every region of the core's code is run by its tests."""

import json
import os
import re
import tomllib
from collections import Counter

from figures import common
from figures.common import ROOT, TARGET, Failed

from . import tools

EXCEPTIONS = ROOT / "proofs/coverage/exceptions.toml"
# What a region is: code, not a gap between code or a place where a macro expands.
CODE = 0


def run():
    regions = _measure()
    missed = sorted(place for place, count in regions.items() if not count)
    named = Counter()
    for exception in tomllib.loads(EXCEPTIONS.read_text())["exception"]:
        if not exception.get("reason"):
            raise Failed(f"{EXCEPTIONS.name}: {exception} has no reason")
        named.update((file, text, line) for file, text, line in exception["regions"])
    problems = []
    for file, *place in missed:
        key = (file, _text(file, *place), (ROOT / file).read_text().splitlines()[place[0] - 1].strip())
        if named[key]:
            named[key] -= 1
        else:
            problems.append(f"never run: {file}:{place[0]}:{place[1]}: {key[1]}\n    {key[2]}")
    problems += [
        f"{EXCEPTIONS.name} has what is run, or is not there: {file}: {text}\n    {line}"
        for (file, text, line), count in named.items()
        if count
    ]
    if problems:
        raise Failed(f"{len(problems)} regions\n" + "\n".join(problems))
    return f"{len(regions) - len(missed):,} of {len(regions):,} regions are run; the exceptions are named: {len(missed)}"


def _measure():
    """How often each region was run, at most, in any of the shapes that it was compiled to."""
    common.need_toolchain(components=["llvm-tools"])
    tools.need("cargo-llvm-cov")
    target = TARGET / "prove/coverage"
    out = target / "regions.json"
    target.mkdir(parents=True, exist_ok=True)
    env = {"CARGO_TARGET_DIR": str(target), "PATH": f"{tools.BIN}:{os.environ['PATH']}", "PROPTEST_RNG_SEED": "252"}
    packages = ["-p", "recording-core", "-p", "recording-fuzz-properties", "-p", "recording-fuzz-replay"]
    options = ["--locked", *packages, "--all-features", "--lib", "--tests", "--json", "--output-path", out]
    common.run("cargo", "llvm-cov", *options, env=env, quiet=True)
    regions = {}
    for function in json.loads(out.read_text())["data"][0]["functions"]:
        for *place, count, file, _, kind in function["regions"]:
            name = os.path.relpath(function["filenames"][file], ROOT)
            if kind == CODE and name.startswith("src/") and place[0] < _code_ends(name):
                key = (name, *place)
                regions[key] = max(regions.get(key, 0), count)
    if len(regions) < 1000:
        raise Failed(f"only {len(regions)} regions were found")
    return regions


def _code_ends(name, known={}):  # noqa: B006
    """The line where a file's own tests begin."""
    if name not in known:
        lines = (ROOT / name).read_text().splitlines()
        tests = [at for at, line in enumerate(lines) if line == "mod tests {" and lines[at - 1] == "#[cfg(test)]"]
        known[name] = tests[0] if tests else len(lines) + 1
    return known[name]


def _text(file, line, column, end_line, end_column):
    """What stands in a region, in one line."""
    lines = (ROOT / file).read_text().splitlines()[line - 1 : end_line]
    lines[-1] = lines[-1][: end_column - 1]
    lines[0] = lines[0][column - 1 :]
    return re.sub(r"\s+", " ", " ".join(lines)).strip()
