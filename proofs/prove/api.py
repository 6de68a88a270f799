"""The public API as a file, so that a review shows every change of it; and what a release may change."""

import difflib
import os

from figures import common
from figures.common import ROOT, TARGET, Failed

from . import tools

FILE = ROOT / "proofs/public-api.txt"


def fresh(accept=False):
    """Holds the file against the API of today."""
    common.need_toolchain(common.NIGHTLY)
    tools.need("cargo-public-api")
    env = {"CARGO_TARGET_DIR": str(TARGET / "prove/api"), "PATH": f"{tools.BIN}:{os.environ['PATH']}"}
    # Derived traits are part of the API; those that everything has are not.
    options = ["-p", "recording-core", "--all-features", "-ss", "--color=never"]
    today = common.run("cargo", "public-api", *options, env=env, toolchain=common.NIGHTLY, quiet=True)
    if len(today.splitlines()) < 100:
        raise Failed(f"this cannot be all of the API:\n{today}")
    if accept:
        FILE.write_text(today)
    known = FILE.read_text() if FILE.exists() else ""
    if known != today:
        changes = difflib.unified_diff(known.splitlines(), today.splitlines(), "known", "today", n=0, lineterm="")
        shown = [line for line in changes if not line.startswith("@@")]
        raise Failed("the API changed; if that is meant: `./prove api --accept`\n" + "\n".join(shown[:60]))
    return f"{len(today.splitlines()):,} items, as in {FILE.relative_to(ROOT)}"


def semver(baseline=None):
    """Whether the version says what changed since a revision; the newest tag of a release unless one is given."""
    tools.need("cargo-semver-checks")
    tags = common.run("git", "tag", "--list", "v[0-9]*", "--sort=-version:refname").split()
    if not baseline and not tags:
        # Without a release nobody depends on anything: what can be shown is that the check works.
        baseline, what = "HEAD", "there is no release yet: compared with HEAD, "
    else:
        baseline = baseline or tags[0]
        what = f"compared with {baseline}: "
    revision = common.run("git", "rev-parse", "--verify", f"{baseline}^{{commit}}", quiet=True).strip()
    env = {"CARGO_TARGET_DIR": str(TARGET / "prove/semver"), "PATH": f"{tools.BIN}:{os.environ['PATH']}"}
    options = ["-p", "recording-core", "--all-features", "--baseline-rev", revision, "--color=never"]
    said = common.run("cargo", "semver-checks", *options, env=env, quiet=True, merged=True)
    checked = [line.strip() for line in said.splitlines() if line.strip().startswith("Checked")]
    if not checked:
        raise Failed(f"cargo-semver-checks checked nothing:\n{said}")
    return what + checked[-1].split("] ")[-1]
