"""Mutation testing: every small change that cargo-mutants can make to the core is noticed by a test.

What was found is kept under target/, mutant by mutant, so that a run that was interrupted goes on where it was. It holds
for as long as the file that was changed and the file whose test noticed it have the text that they had.
"""

import hashlib
import json
import os
import re
import shutil
import time
import tomllib
from collections import Counter

from figures import common
from figures.common import ROOT, Failed, say

from . import tools, tree

EXCEPTIONS = ROOT / "proofs/mutants/exceptions.toml"
RESULTS = tree.PLACE / "results"
# A mutant is an endless loop if its tests take so many times the processor's time that they take without it.
PATIENCE = 4
# So many mutants at most are lost by an interruption.
SHARD = 15
TEST = ["--test-threads=1", "-Zunstable-options", "--fail-fast"]
# All tests together, in what follows.
TESTS = "tests"
AS_TESTED = {}
KINDS = {"CaughtMutant": "noticed", "MissedMutant": "survived", "Timeout": "survived", "Unviable": "does not compile"}


def files():
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.rs"))


def run(only=(), fresh=False):
    if unknown := set(only) - set(files()):
        raise Failed(f"no file of the core: {', '.join(sorted(unknown))}")
    if fresh:
        shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    cargo = Copy()
    outcomes = {}
    wanted = list(only) or files()
    for at, file in enumerate(wanted, 1):
        outcomes[file] = _file(cargo, file, f"{at} of {len(wanted)} {file}")
    return _judge(outcomes, whole=not only)


class Copy:
    """The copy of the core, as what runs cargo in it."""

    def __init__(self):
        tools.need("cargo-mutants")
        _snapshot()
        tree.build()
        self.is_tested = False
        self.environment = {
            "CARGO_TARGET_DIR": str(tree.PLACE / "target"),
            "PATH": f"{tools.BIN}:{os.environ['PATH']}",
            # For `--fail-fast` alone.
            "RUSTC_BOOTSTRAP": "1",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            # Every mutant meets the same tests.
            "PROPTEST_RNG_SEED": "252",
        }

    def __call__(self, *arguments, env=None, **options):
        return common.run("cargo", *arguments, cwd=tree.TREE, env=self.environment | (env or {}), quiet=True, **options)

    def test(self):
        """Builds and tests it without a mutant, once, and takes the limit of time from that."""
        if self.is_tested:
            return
        self.is_tested = True
        say("building the core with its tests as one crate")
        self("test", "--quiet", "--all-features", "--lib", "--no-run")
        before = os.times().children_user
        self("test", "--quiet", "--all-features", "--lib", "--", *TEST)
        host = re.search(r"^host: (.*)$", common.run("rustc", "-vV"), re.M)[1]
        self.environment |= {
            f"CARGO_TARGET_{host.upper().replace('-', '_')}_RUNNER": str(ROOT / "proofs/mutants/limited"),
            "MUTANT_CPU_SECONDS": _limit(before),
        }


def _file(cargo, file, title):
    """The outcomes of all mutants of a file: those that are known, and those that are tested now."""
    started, kept = time.monotonic(), RESULTS / f"{file.replace('/', '-')}.json"
    options = ["--no-config", "--all-features", "--file", file]
    lines = (tree.TREE / file).read_text().splitlines()
    # Those that are excepted are tried with the near tests only, so that none of them takes minutes.
    excepted, listed = set(_exceptions()), {}
    for one in json.loads(cargo("mutants", "--list", "--json", *options) or "[]"):
        listed[one["name"]] = _key(one, file, lines) not in excepted
    known = {}
    if kept.exists():
        before = json.loads(kept.read_text())
        if before["text"] == AS_TESTED[file]:
            known = {one["name"]: one for one in before["outcomes"] if _holds(one, listed.get(one["name"]))}
    todo = [name for name in listed if name not in known]
    tests = {"MUTANT_NEAR": _near(file)}
    if todo:
        cargo.test()
        before = os.times().children_user
        cargo("test", "--quiet", "--all-features", "--lib", "--", *TEST, env=tests | {"MUTANT_ALL": ""})
        tests["MUTANT_NEAR_CPU_SECONDS"] = _limit(before)
    for with_all in (True, False):
        tests["MUTANT_ALL"] = "1" if with_all else ""
        names = [name for name in todo if listed[name] == with_all]
        for at in range(0, len(names), SHARD):
            for one in _shard(cargo, file, lines, options, names[at : at + SHARD], tests):
                known[one["name"]] = one
            kept.write_text(json.dumps({"text": AS_TESTED[file], "outcomes": list(known.values())}, indent=1))
    if missing := set(listed) - set(known):
        raise Failed(f"cargo-mutants left out {', '.join(sorted(missing))}")
    outcomes = [known[name] for name in listed]
    counts = Counter(KINDS[one["outcome"]] for one in outcomes)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"
    say(f"{title}: {said}; {len(todo)} tested in {time.monotonic() - started:.0f} s")
    return outcomes


def _limit(before):
    """How many seconds of the processor's time a mutant gets, if the children have taken those since without one."""
    return str(round((os.times().children_user - before) * PATIENCE) + 5)


def _shard(cargo, file, lines, options, names, tests):
    out = tree.PLACE / "out"
    shutil.rmtree(out, ignore_errors=True)
    wanted = []
    for name in names:
        wanted += ["--re", "^" + re.sub(r"([][.+*?()|{}^$\\])", r"\\\1", name) + "$"]
    # The limit of time by the clock is only for what sleeps; `limited` is the one that counts. What loops endlessly at
    # compile time does not compile: a lint of the compiler sees to that.
    how = ["--in-place", "--baseline=skip", "--timeout=1800", "--build-timeout=1800", "--colors=never"]
    command = ["mutants", *options, *wanted, *how, "--output", out, "--cargo-arg=--lib", "--", "--", *TEST]
    cargo(*command, env=tests, statuses=(0, 2, 3))
    for one in json.loads((out / "mutants.out/outcomes.json").read_text())["outcomes"]:
        mutant = one["scenario"]["Mutant"]
        if one["summary"] not in KINDS:
            raise Failed(f"cargo-mutants says {one['summary']} of {mutant['name']}")
        _, what, line = _key(mutant, file, lines)
        by = _noticed_by((out / "mutants.out" / one["log_path"]).read_text(errors="replace"))
        yield {
            "name": mutant["name"],
            "file": file,
            "line": line,
            "mutant": what,
            "outcome": one["summary"],
            "by": by,
            "by_text": AS_TESTED[by or TESTS],
            "with_all": bool(tests["MUTANT_ALL"]),
        }


def _key(mutant, file, lines):
    """What an exception calls a mutant."""
    what = re.match(r".*?:\d+:\d+: (.*)", mutant["name"], re.S)[1]
    return file, what, lines[mutant["span"]["start"]["line"] - 1].strip()


def _near(file):
    """What the names of those tests have in them that a file has of its own, or that are named as it or its folder is."""
    parts = [part for part in file.removeprefix("src/").removesuffix(".rs").split("/") if part != "mod"]
    return " ".join(f"{part}::" for part in parts)


def _noticed_by(log):
    """The file of the test that noticed a mutant."""
    failed = re.search(r"^test (\S+) .*FAILED$", log, re.M)
    if not failed:
        return None
    if integration := re.match(r"a\d\d_(\w+)::", failed[1]):
        return f"tests/{integration[1]}.rs"
    inside = "src/" + failed[1].split("::tests::")[0].replace("::", "/")
    return next((file for file in (f"{inside}.rs", f"{inside}/mod.rs") if (ROOT / file).exists()), None)


def _snapshot():
    """The hashes of the files as they are copied: what is changed after that was not tested."""
    AS_TESTED.clear()
    AS_TESTED.update({name: _hash(name) for name in [*files(), *_tests()]})
    AS_TESTED[TESTS] = _hash(*_tests())


def _holds(one, with_all):
    """Whether an outcome still says something: nobody has to fear a test that was there and still is."""
    if with_all is None:
        return False
    if one["outcome"] == "Unviable":
        return True
    if one["outcome"] == "CaughtMutant" and one["by"]:
        return (ROOT / one["by"]).exists() and _hash(one["by"]) == one["by_text"]
    return _hash(*_tests()) == one["by_text"] and one.get("with_all", True) == with_all


def _tests():
    return [str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests").rglob("*")) if path.is_file()]


def _hash(*names):
    seen = hashlib.sha256()
    for name in names:
        seen.update(f"{name}\n".encode() + (ROOT / name).read_bytes())
    return seen.hexdigest()[:16]


def _exceptions():
    for exception in tomllib.loads(EXCEPTIONS.read_text())["exception"]:
        if not exception.get("reason"):
            raise Failed(f"{EXCEPTIONS.name}: {exception} has no reason")
        for file, mutant, line in exception["mutants"]:
            yield file, mutant, line


def _judge(outcomes, whole):
    """Holds what survived against the exceptions: exactly these and no others."""
    every = [one for of_file in outcomes.values() for one in of_file]
    counts = Counter(KINDS[one["outcome"]] for one in every)
    if whole and not counts["noticed"]:
        raise Failed("not one mutant was noticed")
    # A file that is gone is told of, whichever are asked for.
    named = Counter(key for key in _exceptions() if key[0] in outcomes or key[0] not in files())
    problems = []
    for one in every:
        if KINDS[one["outcome"]] == "survived":
            key = (one["file"], one["mutant"], one["line"])
            if named[key]:
                named[key] -= 1
            else:
                problems.append(f"survived: {one['name']}\n    {one['line']}")
    problems += [
        f"{EXCEPTIONS.name} has what does not survive, or is not there: {mutant}\n    {file}: {line}"
        for (file, mutant, line), count in named.items()
        if count
    ]
    if problems:
        raise Failed(f"{len(problems)} mutants\n" + "\n".join(problems))
    return (
        f"{len(every):,} mutants: {counts['noticed']:,} noticed, {counts['does not compile']} do not compile, "
        f"{counts['survived']} cannot be told apart"
    )
