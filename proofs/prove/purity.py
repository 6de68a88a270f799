"""The core as a WebAssembly module imports nothing, and works."""

import shutil
import subprocess

from figures import common
from figures.common import ROOT, TARGET, Failed

PACKAGE = ROOT / "proofs/purity"
TARGET_NAME = "wasm32-unknown-unknown"


def run():
    common.need_toolchain(targets=[TARGET_NAME])
    if not shutil.which("node"):
        raise Failed("node is missing: install Node.js, it runs the module and reads its imports")
    status, said = _check("planted")
    if status != 3 or "env.time" not in said:
        raise Failed(f"a module that asks its host for the time was not found out: {said}")
    status, said = _check("")
    if status != 0:
        raise Failed(said)
    return said


def _check(features):
    env = {"CARGO_TARGET_DIR": str(TARGET / "prove/purity"), "CARGO_PROFILE_RELEASE_OPT_LEVEL": "z"}
    build = ["--locked", "--release", "--target", TARGET_NAME, "--features", features]
    common.run("cargo", "build", *build, cwd=PACKAGE, env=env, quiet=True)
    module = TARGET / "prove/purity" / TARGET_NAME / "release/purity.wasm"
    vectors = ROOT / "tests/vectors"
    done = subprocess.run(
        ["node", PACKAGE / "check.mjs", module, vectors / "wire.json", vectors / "transitions.csv"],
        text=True, capture_output=True,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()
