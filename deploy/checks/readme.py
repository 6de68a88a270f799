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
        # Ports that the system chooses; all else as it is.
        server = replaced(server, "secured/start", "secured/start --listen 0.0.0.0:0 --admin 127.0.0.1:0")
        with started(f"umask 022\n{server}", folder) as port:
            client = replaced(client, "localhost:8443", f"localhost:{port}")
            # What `init` itself says, from another directory.
            printed = subprocess.run([str(pathlib.Path(binary).resolve()), "init", "other"], cwd=folder, capture_output=True, text=True, check=True).stdout
            [printed] = [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]
            for file in ["tls.crt", "payments.token"]:
                shutil.copy(folder / "secured" / file, folder / "other" / file)
            printed = replaced(printed, "localhost:8443", f"localhost:{port}")
            for command, place in [(client, folder), (printed, "/")]:
                said = subprocess.run([*SHELL, command], cwd=place, capture_output=True, text=True, check=False)
                if '"AgentCanEditRecordings":true,"ErrorMessage":null' not in said.stdout:
                    fail(f"curl said {said.stdout}{said.stderr}")
            stranger = replaced(client, "$(cat secured/payments.token)", "rec_" + "0" * 64)
            elsewhere = replaced(client, "https://localhost:", f"--resolve other.example:{port}:127.0.0.1 https://other.example:")
            for command, wanted in [(stranger, '"ErrorMessage"'), (elsewhere, "")]:
                said = subprocess.run([*SHELL, command], cwd=folder, capture_output=True, text=True, check=False)
                if "AgentCanEditRecordings" in said.stdout or wanted not in said.stdout or (not wanted and said.returncode != 60):
                    fail(f"{command} said {said.stdout}{said.stderr}")
        token = (folder / "secured/payments.token").read_text().strip()
        if token in (folder / "secured/api.tokens").read_text():
            fail("the server's file holds the token itself")
        for name in ["payments.token", "tls.key"]:
            if (mode := stat.S_IMODE((folder / "secured" / name).stat().st_mode)) & 0o077:
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
