"""What docs/cluster.md offers for pasting, pasted: usage: cluster.py SERVER-BINARY ETCD-FOLDER

Three members and three servers from nothing, a backup and its restoration. Only the ports are others, and the programs are
found where they are. Then a member as deploy/cluster/member.env has it, with TLS."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from server import fail

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHELL = ["bash", "-euo", "pipefail", "-c"]
# What the page's ports begin with; a digit follows, which is 1, 2 or 3.
PORTS = ["237", "238", "808", "809"]
PATIENCE = 60


def blocks(page, heading):
    """The commands below a heading."""
    [part] = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", page, re.S | re.M)
    return re.findall(r"^```sh\n(.*?)^```", part, re.S | re.M)


def is_free(port):
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def other_ports():
    """Beginnings of ports that nothing uses, below those that the system gives to connections."""
    while True:
        found = random.sample(range(1100, 3200), len(PORTS))
        if all(is_free(10 * begin + digit) for begin in found for digit in [1, 2, 3]):
            return dict(zip(PORTS, map(str, found)))


class Place:
    """A folder in which the commands find what the clone has, and all that they start."""

    def __init__(self, folder, server, etcd):
        self.folder, self.ports = pathlib.Path(folder), other_ports()
        for link, target in [("target/etcd/usr/bin", etcd), ("target/release/recording-server", server)]:
            (self.folder / link).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / link).symlink_to(pathlib.Path(target).resolve())

    def paste(self, commands):
        """What the commands say; what they start in the background goes on."""
        pasted = re.sub(r"\b(23[78]|80[89])(?=\$n|[123]\b)", lambda found: self.ports[found[1]], commands)
        # The output goes to a file: what runs in the background would keep a pipe open.
        with tempfile.TemporaryFile("w+") as out:
            ran = subprocess.run([*SHELL, pasted], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                 start_new_session=True, check=False)  # fmt: skip
            out.seek(0)
            said = out.read()
        if ran.returncode != 0:
            fail(f"{ran.returncode}:\n{pasted}\n{said}\n{self.logs()}")
        return said

    def logs(self):
        return "".join(f"{file}:\n{file.read_text()[-2000:]}\n" for file in sorted(self.folder.glob("data/*.log")))

    def running(self):
        """What runs in this folder, whatever started it."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "cwd").resolve() == self.folder.resolve() and process.name != str(os.getpid()):
                    found.append(int(process.name))
        return found

    def end(self):
        late = time.monotonic() + PATIENCE
        while found := self.running():
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM if time.monotonic() < late else signal.SIGKILL)
            time.sleep(0.2)


def until(found, what):
    late = time.monotonic() + PATIENCE
    while time.monotonic() < late:
        if value := found():
            return value
        time.sleep(0.2)
    fail(f"never: {what()}")


def from_nothing(place, page):
    commands = blocks(page, "Three members and three servers on one machine")
    if len(commands) != 5:
        fail(f"{len(commands)} commands and not five")
    install, members, servers, change, read = commands
    for program in re.findall(r"^cargo (\S+)", install.replace("&& ", "\n"), re.M):
        if program not in ("xtask", "build"):
            fail(f"the first command is not about cargo alone: {install}")
    place.paste(members)
    place.paste(servers)
    said = place.paste(change)
    if said.count('"ErrorMessage":null') != 2 or '"RecordingState":3' not in said:
        fail(f"the begin and the pause: {said}\n{place.logs()}")
    said = place.paste(read)
    if '"RecordingState":3' not in said:
        fail(f"the read: {said}")
    print("    three members and three servers: begun at one, paused at another, read from the third")


def backup(place, page):
    save, restore, accept = blocks(page, "Backup and restore")
    place.paste(save)
    # After the backup.
    admin = f"http://127.0.0.1:{place.ports['809']}"
    later = "6f9619ff-8b86-4d01-b42d-00cf4fc964aa"
    place.paste(f"curl -sf -X PUT {admin}1/sessions/ucc-demo-name/{later}")
    servers = {pid for pid in place.running() if "recording-server" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()}
    for pid in servers:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not servers & set(place.running()), lambda: "the servers end")
    place.end()
    place.paste(restore)
    place.paste(re.sub(r"data/", "restored/", blocks(page, "Three members and three servers on one machine")[1]))
    start = blocks(page, "Three members and three servers on one machine")[2]
    # It names both clusters, and ends.
    place.paste(start)
    log = place.folder / "data/s1.log"
    refused = until(lambda: re.search(r"belongs to the cluster (\w+), and this one is (\w+)", log.read_text()), place.logs)
    until(lambda: not any("recording-server" in pathlib.Path(f"/proc/{pid}/cmdline").read_text() for pid in place.running()),
          lambda: "a server of another cluster ends")  # fmt: skip
    old, new = refused.groups()
    if old == new:
        fail("the restored cluster has the number of the old one")
    place.paste(accept.replace("NUMBER", new))
    place.paste(start)
    sessions = place.paste(f"curl -sf --retry 50 --retry-connrefused --retry-delay 1 {admin}2/sessions")
    found = [(one["CorrelationId"], one["RecordingState"]) for one in json.loads(sessions)["Sessions"]]
    if ("6f9619ff-8b86-4d01-b42d-00cf4fc964ff", 3) not in found or later in dict(found):
        fail(f"the restored sessions: {found}")
    print("    backup and restoration: the servers refuse the restored cluster until it is accepted, and have its sessions")


def member(folder, etcd):
    """A member by the sample of its settings, with certificates, addresses and folders of the test."""
    authority = ["-x509", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt"]
    request = ["-subj", "/CN=member", "-keyout", "member.key", "-out", "member.csr"]
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    sign = ["openssl", "x509", "-req", "-in", "member.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for command in [[*new, *authority], [part for part in [*new, *request] if part not in ("-days", "2")],
                    [*sign, "-days", "2", "-extfile", "names", "-out", "member.crt"]]:  # fmt: skip
        subprocess.run(command, **quiet)
    sample = (ROOT / "deploy/cluster/member.env").read_text()
    ports = other_ports()
    for old, to in [("10.0.0.1:2379", f"127.0.0.1:{ports['237']}1"), ("10.0.0.1:2380", f"127.0.0.1:{ports['238']}1"),
                    (",b=https://10.0.0.2:2380,c=https://10.0.0.3:2380", ""), ("/etc/etcd/", f"{folder}/"),
                    ("/var/lib/etcd/", f"{folder}/")]:  # fmt: skip
        if old not in sample:
            fail(f"the sample has no {old} any more")
        sample = sample.replace(old, to)
    env = dict(line.split("=", 1) for line in sample.splitlines() if line and not line.startswith("#"))
    with open(folder / "member.log", "w+") as log:
        process = subprocess.Popen([f"{etcd}/etcd"], env=env | {"PATH": os.environ["PATH"]}, stdout=log, stderr=log)
        try:
            files = ["--cacert", "ca.crt", "--cert", "member.crt", "--key", "member.key"]
            ask = [f"{etcd}/etcdctl", "--endpoints", f"https://127.0.0.1:{ports['237']}1", *files, "endpoint", "status", "-w", "json"]
            asked = lambda: subprocess.run(ask, cwd=folder, capture_output=True, text=True, check=False)
            until(lambda: asked().returncode == 0, lambda: (folder / "member.log").read_text() + asked().stderr)
            without = subprocess.run([part for part in ask if part not in files[2:]], cwd=folder, capture_output=True, check=False)
            if without.returncode == 0:
                fail("a client without a certificate is served")
            warned = [line for line in (folder / "member.log").read_text().splitlines() if "unrecognized" in line]
            if warned:
                fail("\n".join(warned))
        finally:
            process.terminate()
            process.wait(PATIENCE)
    print("    a member by the sample of its settings serves those who show a certificate")


def main(server, etcd):
    page = (ROOT / "docs/cluster.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, server, etcd)
        try:
            from_nothing(place, page)
            backup(place, page)
        finally:
            place.end()
    with tempfile.TemporaryDirectory() as folder:
        member(pathlib.Path(folder), pathlib.Path(etcd).resolve())
    print("the commands of docs/cluster.md do what the page says, as they are pasted")


if __name__ == "__main__":
    main(*sys.argv[1:])
