"""What the README and docs/security.md offer for pasting, pasted: usage: readme.py SERVER-BINARY

The commands of "Try it" in docs/security.md, and the README's program in a fresh project."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

from server import fail

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHELL = ["bash", "-euo", "pipefail", "-c"]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)


def replaced(text, old, new):
    """The text with this one place changed; it must be there, once."""
    if text.count(old) != 1:
        fail(f"{text.count(old)} times {old} in:\n{text}")
    return text.replace(old, new)


@contextlib.contextmanager
def started(commands, folder):
    """The address of the API of the server that these commands end with."""
    process = subprocess.Popen([*SHELL, commands], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)  # fmt: skip
    try:
        seen = []
        for line in process.stderr:
            seen.append(line)
            if listening := re.search(r"api=\S*:(\d+) admin=", line):
                break
        else:
            fail(f"the server did not start:\n{''.join(seen)}")
        yield listening[1]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.stderr.read()
        process.wait(60)


def who_may_call(page, binary):
    server, client = blocks(page.split("<!-- Who may call:", 1)[1], "sh")[:2]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "target/debug").mkdir(parents=True)
        (folder / "target/debug/recording-server").symlink_to(pathlib.Path(binary).resolve())
        (folder / "deploy").symlink_to(ROOT / "deploy")
        # Ports that the system chooses; all else as it is.
        server = replaced(server, "--listen 0.0.0.0:8443", "--listen 0.0.0.0:0 --admin 127.0.0.1:0")
        with started(f"umask 022\n{server}", folder) as port:
            client = replaced(client, "localhost:8443", f"localhost:{port}")
            said = subprocess.run([*SHELL, client], cwd=folder, capture_output=True, text=True, check=False)
            if '"AgentCanEditRecordings":true,"ErrorMessage":null' not in said.stdout:
                fail(f"curl said {said.stdout}{said.stderr}")
            stranger = replaced(client, "$(cat payments.token)", "rec_" + "0" * 64)
            said = subprocess.run([*SHELL, stranger], cwd=folder, capture_output=True, text=True, check=False)
            if "AgentCanEditRecordings" in said.stdout:
                fail("another token is let in, too")
        token = (folder / "payments.token").read_text().strip()
        if token in (folder / "api.tokens").read_text():
            fail("the server's file holds the token itself")
        for name in ["payments.token", "server.key"]:
            if (mode := stat.S_IMODE((folder / name).stat().st_mode)) & 0o077:
                fail(f"others can read {name}: {mode:o}")


def program(readme):
    [source] = [block for block in blocks(readme, "rust") if "fn main()" in block]
    [manifest] = [block for block in blocks(readme, "toml") if "[dependencies]" in block]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "recording-core").symlink_to(ROOT)
        # Not within any workspace, and with what it prints held against the README's own claim.
        subprocess.run(["cargo", "new", "--quiet", "--vcs", "none", "shell"], cwd=folder, check=True)
        project = folder / "shell"
        (project / "src/main.rs").write_text(source)
        path = project / "Cargo.toml"
        path.write_text(replaced(path.read_text(), "[dependencies]\n", manifest))
        shutil.copy(ROOT / "Cargo.lock", project)
        env = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target/deploy/readme")}
        ran = subprocess.run(["cargo", "run", "--quiet"], cwd=project, env=env, capture_output=True, text=True, check=False)
        said = ran.stdout.splitlines()
        wanted = ['RecordingStateChangedEvent {"UccName":"ucc-demo-name",', '200 {"CorrelationId":"1d6c6a58-']
        if ran.returncode != 0 or len(said) != 2 or not all(map(str.startswith, said, wanted)):
            fail(f"the program of the README:\n{ran.stdout}{ran.stderr}")
        if "warning" in ran.stderr:
            fail(ran.stderr)


def main(binary):
    who_may_call((ROOT / "docs/security.md").read_text(), binary)
    program((ROOT / "README.md").read_text())
    print("the README's program and the commands of docs/security.md do what the pages say, as they are pasted")


if __name__ == "__main__":
    main(*sys.argv[1:])
