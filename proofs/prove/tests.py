"""Proofs that are tests or commands of their own: they are run, and what they count is read."""

import re

from figures import common, instructions, metal
from figures.common import ROOT, TARGET, Failed


def cargo_test(*arguments, env=None, says=None):
    """Runs tests; `says` finds in their output what they counted."""
    common.need_toolchain()
    text = common.run(
        "cargo", "test", "--locked", *arguments, env={"CARGO_TARGET_DIR": str(TARGET)} | (env or {}), quiet=True, merged=True
    )
    passed = sum(int(count) for count in re.findall(r"^test result: ok\. (\d+) passed", text, re.M))
    if not passed:
        raise Failed(f"`cargo test {' '.join(arguments)}` ran no test")
    if not says:
        return f"{passed:,} tests"
    found = re.findall(says, text, re.M)
    if not found:
        raise Failed(f"`cargo test {' '.join(arguments)}` does not say {says}")
    return "; ".join(one.strip() for one in found)


def _counted(test, says):
    return lambda: cargo_test("-p", "recording-core", "--test", test, says=says)


cells = _counted("transitions", r"^ *(.*\b252\b.*)$")
decisions = _counted("decisions", r"^ *(.*combinations.*)$")
wire = _counted("wire_vectors", r"^ *wire vectors: (.*)$")
texts = lambda: cargo_test("-p", "recording-core", "--test", "texts")  # noqa: E731


def corpora():
    files = sum(1 for path in (ROOT / "fuzz/corpus").rglob("*") if path.is_file())
    return f"{files:,} files of six corpora hold, all 252 cells reached; " + cargo_test("-p", "recording-fuzz-replay")


def conformance():
    return cargo_test("-p", "recording-testkit", "-p", "recording-conformance")


def bits32():
    common.need_toolchain(targets=["i686-unknown-linux-musl"])
    linker = {"CARGO_TARGET_I686_UNKNOWN_LINUX_MUSL_LINKER": "rust-lld"}
    return cargo_test("-p", "recording-core", "--target", "i686-unknown-linux-musl", "--tests", env=linker)


def features():
    """The core alone for bare metal, with every combination of the features that are for it."""
    common.need_toolchain(targets=["thumbv7em-none-eabihf"])
    manifest = (ROOT / "Cargo.toml").read_text()
    section = re.search(r"^\[features\]\n(.*?)^\[", manifest, re.M | re.S)[1]
    known = set(re.findall(r"^([\w-]+) = ", section, re.M))
    # `arbitrary` is for hosts; `serde-json-core` turns `serde` on; so these are all combinations.
    if known != {"arbitrary", "default", "serde", "serde-json-core"}:
        raise Failed(f"Cargo.toml has features that this proof does not know: {', '.join(sorted(known))}")
    for some in ("", "serde", "serde-json-core"):
        build = ["--locked", "-p", "recording-core", "--target", "thumbv7em-none-eabihf", "--no-default-features"]
        env = {"RUSTFLAGS": "-D warnings", "CARGO_TARGET_DIR": str(TARGET / "prove/features")}
        common.run("cargo", "build", *build, "--features", some, env=env, quiet=True)
    return "3 combinations build without a warning"


def budgets():
    if not instructions.gate(accept=False):
        raise Failed("a count is above its budget, see above")
    limits = len((ROOT / "benches/instructions/budgets.csv").read_text().splitlines()) - 1
    return f"{limits} counts within their budgets"


def linking():
    said = common.run(ROOT / "proofs/no-panic/run", quiet=True, env={"CARGO_TARGET_DIR": str(TARGET / "prove/no-panic")})
    images = re.findall(r"^no-panic: (\S+) at (\w) links; with a planted index it does not$", said, re.M)
    targets = {target for target, _ in images}
    if len(images) < 8:
        raise Failed(f"only {len(images)} images were linked")
    return f"{len(images)} images link ({', '.join(sorted(targets))}); with a planted index none does"


def stack():
    """The worst path through the linked images."""
    common.need_toolchain(targets=["thumbv7em-none-eabihf"], components=["llvm-tools"])
    results = []
    for target, level in metal.STACKS:
        image = metal.build(target, level, relocations=True)
        depth, path = image.deepest()
        results.append(f"{depth} bytes at `{level}` ({len(path)} calls deep)")
        for entry in ("begin", "end"):
            image.deepest(entry)
    return "no cycle in the call graph; from request to reply at most " + ", ".join(results)


def fuzzing(seconds):
    said = common.run(ROOT / "fuzz/run", seconds, quiet=True)
    rows = [line.split() for line in said.splitlines() if re.match(r"\w+ +\d+ +\d+ ", line)]
    if len(rows) < 6:
        raise Failed(f"fuzz/run said:\n{said}")
    return f"{sum(int(row[2]) for row in rows):,} executions of {len(rows)} targets, {seconds} s each, without a finding"


def sanitized():
    """The tests of hosts, compiled with AddressSanitizer."""
    common.need_toolchain(common.NIGHTLY)
    host = re.search(r"^host: (.*)$", common.run("rustc", "-vV"), re.M)[1]
    env = {"RUSTFLAGS": "-Zsanitizer=address", "CARGO_TARGET_DIR": str(TARGET / "prove/asan")}
    packages = ["-p", "recording-core", "-p", "recording-server", "-p", "recording-fuzz-replay", "-p", "recording-testkit"]
    text = common.run(
        "cargo", "test", "--locked", "--target", host, *packages, "--lib", "--bins", "--tests",
        env=env | {"RUSTDOCFLAGS": env["RUSTFLAGS"]}, toolchain=common.NIGHTLY, quiet=True,
    )  # fmt: skip
    passed = sum(int(count) for count in re.findall(r"^test result: ok\. (\d+) passed", text, re.M))
    if not passed:
        raise Failed("no test ran")
    return f"{passed:,} tests"
