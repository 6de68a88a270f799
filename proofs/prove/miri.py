"""Miri runs the core's tests and the fuzz corpora, and finds no undefined behaviour in them or in what they call."""

import re
from concurrent.futures import ThreadPoolExecutor

from figures import common
from figures.common import ROOT, TARGET, Failed

# In the quick run: of the files of each corpus every so many-th, and the unit tests that are no enumerations.
SHARE = 100
# In the long run: all of them would take more than an hour.
LONG_SHARE = 4
QUICK = ["transition::tests", "copies_what_fits"]


def quick():
    return _run(SHARE, QUICK)


def everything():
    return _run(LONG_SHARE, [])


def _run(share, tests):
    common.need_toolchain(common.NIGHTLY, components=["miri", "rust-src"])
    # The corpora are read from files. Each share has a build of its own: cargo-miri runs a test with the environment that
    # it was built with, whatever that is by then.
    target = TARGET / f"prove/miri-{share}"
    env = {"MIRIFLAGS": "-Zmiri-disable-isolation", "CARGO_TARGET_DIR": str(target), "CORPUS_SHARE": str(share)}
    unit = ["-p", "recording-core", "--lib", "--all-features", "--", *tests]
    corpora = ["-p", "recording-fuzz-replay", "--test", "corpora", "--", "--nocapture", "every_corpus_file_holds"]
    # Miri runs on one core.
    with ThreadPoolExecutor() as both:
        unit, corpora = both.map(lambda arguments: _test(env, *arguments), [unit, corpora])
    passed = sum(int(count) for count in re.findall(r"^test result: ok\. (\d+) passed", unit, re.M))
    if not passed:
        raise Failed("no unit test ran")
    files = re.search(r"(\d+) of (\d+) corpus files", corpora)
    if not files:
        raise Failed("the corpora were not replayed")
    if int(files[1]) > int(files[2]) // share + 6:
        raise Failed(f"{files[1]} of {files[2]} corpus files are not every {share}th of six corpora")
    return f"{passed} unit tests and {files[1]} of {files[2]} corpus files"


def _test(env, *arguments):
    return common.run(
        "cargo", "miri", "test", "--locked", *arguments,
        env=env, toolchain=common.NIGHTLY, quiet=True, merged=True, cwd=ROOT,
    )  # fmt: skip
