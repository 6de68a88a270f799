"""Running commands, and the tools that the measurements need."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
TOOLS = TARGET / "figures-tools"

# Counts of instructions and bytes are exact for one compiler: this one. Another one moves them by some percent, so that
# whoever changes it runs `./figures --gate --accept` and looks at what changed.
TOOLCHAIN = "1.95.0"
# Only for `-Zemit-stack-sizes`.
NIGHTLY = "nightly"


class Failed(Exception):
    """Something that the figures need is not there, or does not hold."""


def say(text):
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def run(*command, cwd=ROOT, env=None, toolchain=TOOLCHAIN, quiet=False, merged=False, statuses=(0,)):
    """Runs a command and gives what it wrote to its standard output, with `merged` to its standard error too.

    It fails unless it ends with one of `statuses`.
    """
    environment = os.environ | {"RUSTUP_TOOLCHAIN": toolchain, "CARGO_TERM_COLOR": "never"} | (env or {})
    command = [str(part) for part in command]
    errors = subprocess.STDOUT if merged else subprocess.PIPE if quiet else None
    done = subprocess.run(command, cwd=cwd, env=environment, text=True, errors="replace", stdout=subprocess.PIPE, stderr=errors)
    if done.returncode not in statuses:
        said = f"\n{done.stdout}\n{done.stderr or ''}" if quiet else f"\n{done.stdout}"
        raise Failed(f"`{' '.join(command)}` failed{said.rstrip()}")
    return done.stdout


def need_toolchain(toolchain=TOOLCHAIN, targets=(), components=()):
    """Has rustup install what is missing."""
    if not shutil.which("rustup"):
        raise Failed("rustup is missing: install Rust by rustup, see the README")
    installed = run("rustup", "toolchain", "list").split()
    if not any(name.startswith(f"{toolchain}-") for name in installed):
        say(f"installing Rust {toolchain}")
        run("rustup", "toolchain", "install", toolchain, "--profile", "minimal", "--no-self-update", quiet=True)
    for kind, wanted in (("target", targets), ("component", components)):
        have = run("rustup", kind, "list", "--installed", "--toolchain", toolchain).split()
        for name in wanted:
            if not any(one == name or one.startswith(f"{name}-") for one in have):
                say(f"installing {kind} {name} of Rust {toolchain}")
                run("rustup", kind, "add", name, "--toolchain", toolchain, quiet=True)


def need_valgrind():
    if not shutil.which("valgrind"):
        say("installing valgrind")
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        run(*sudo, "apt-get", "install", "-y", "-q", "valgrind", quiet=True)
    return run("valgrind", "--version").strip()


def need_runner():
    """The runner of gungraun, of the very version that the benches use."""
    manifest = (ROOT / "benches/instructions/Cargo.toml").read_text()
    version = re.search(r'^gungraun = "=([^"]+)"', manifest, re.M).group(1)
    runner = TOOLS / f"gungraun-{version}" / "bin" / "gungraun-runner"
    if not runner.exists():
        say(f"building gungraun-runner {version}, once")
        # Without optimisation: it only starts valgrind and adds numbers up.
        place = ("--root", runner.parents[1], "--target-dir", TOOLS / "build")
        run("cargo", "install", "--quiet", "--locked", "--debug", *place, f"gungraun-runner@{version}")
        shutil.rmtree(TOOLS / "build", ignore_errors=True)
    return version, runner


def llvm_tool(name):
    """A program of the `llvm-tools` component."""
    need_toolchain(components=["llvm-tools"])
    tool = Path(run("rustc", "--print", "target-libdir").strip()).parent / "bin" / name
    if not tool.exists():
        raise Failed(f"{tool} is missing")
    return tool


def machine():
    """What the figures were measured on."""
    models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return f"{models[0]}, {len(models)} cores" if models else "unknown"


def rustc_version(toolchain=TOOLCHAIN):
    return run("rustc", "--version", toolchain=toolchain).strip()
