"""The tools of the proofs: installed once, each of one version, under target/."""

import re
import shutil

from figures import common
from figures.common import TARGET, Failed, say

ROOT = TARGET / "prove/tools"
BIN = ROOT / "bin"
VERSIONS = {
    "cargo-deny": "0.20.2",
    "cargo-llvm-cov": "0.9.1",
    "cargo-machete": "0.9.1",
    "cargo-mutants": "27.1.0",
    "cargo-public-api": "0.52.0",
    "cargo-semver-checks": "0.51.0",
}


def need(name):
    """Builds a tool, unless it is there."""
    version, known = VERSIONS[name], ROOT / ".crates.toml"
    common.need_toolchain()
    if known.exists() and re.search(f'^"{name} {re.escape(version)} ', known.read_text(), re.M) and (BIN / name).exists():
        return BIN / name
    say(f"building {name} {version}, once")
    build = ROOT / "build"
    # Without optimisation: what they start takes the time, not they. The profile of cargo-semver-checks would optimise what
    # it depends on all the same.
    plain = ["--config", 'profile.dev.package."*".opt-level=0', "--config", "profile.dev.debug=0"]
    how = [*plain, "--quiet", "--locked", "--debug", "--force", "--root", ROOT, "--target-dir", build]
    common.run("cargo", "install", *how, f"{name}@{version}", quiet=True)
    shutil.rmtree(build, ignore_errors=True)
    if not (BIN / name).exists():
        raise Failed(f"{name} was installed but is not there")
    return BIN / name
