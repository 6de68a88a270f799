"""Puts nginx and HAProxy before one server as deploy/ has them, and before three as deploy/cluster/ has them, and goes
through them: proxies.py SERVER-BINARY SIGNALR-MODULES

Only addresses, files and users are changed, to what a test may use.
"""

import contextlib
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from server import fail, free_port, running, started

HERE = pathlib.Path(__file__).parent
SESSION = "1d6c6a58-6739-4f0c-98ff-0968292c8c30"
SET = "/attendantservice/api/recording/set"
STATE = f"/attendantservice/api/recording/ucc-demo-name/{SESSION}"


def replaced(text, changes):
    """Each change must be one that the file knows."""
    for old, new in changes.items():
        if old not in text:
            fail(f"the sample has no {old!r} any more")
        text = text.replace(old, new)
    return text


def nginx(directory, port, servers, folder, without=None):
    """`servers` are the addresses of the API and the admin's port of each; `without` is what a planted fault leaves out."""
    sample = (folder / "nginx.conf").read_text()
    sample = replaced(
        sample,
        {
            **{f"server 127.0.0.1:{8080 + 2 * at}": f"server {api}" for at, (api, _) in enumerate(servers)},
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/recording.crt": f"{directory}/cert.pem",
            "/etc/ssl/recording.key": f"{directory}/key.pem",
            "/var/log/nginx/recording.log": f"{directory}/access.log",
            "/var/log/nginx/recording-error.log": f"{directory}/error.log",
        },
    )
    sample = left_out(sample, without)
    config = f"""
        daemon off; pid {directory}/nginx.pid; error_log stderr warn; user root;
        events {{}}
        http {{ client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
        uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
        {sample} }}
    """
    file = directory / "nginx.conf"
    file.write_text(config)
    subprocess.run(["nginx", "-q", "-t", "-c", file], check=True)
    return ["nginx", "-c", str(file)]


def haproxy(directory, port, servers, folder, without=None):
    (directory / "both.pem").write_text((directory / "cert.pem").read_text() + (directory / "key.pem").read_text())
    changes = {"bind :443": f"bind 127.0.0.1:{port}", "/etc/ssl/recording.pem": f"{directory}/both.pem"}
    for at, (api, admin) in enumerate(servers):
        changes[f" 127.0.0.1:{8080 + 2 * at} "] = f" {api} "
        changes[f"port {8081 + 2 * at} "] = f"port {admin.rsplit(':', 1)[1]} "
    sample = left_out(replaced((folder / "haproxy.cfg").read_text(), changes), without)
    file = directory / "haproxy.cfg"
    file.write_text(f"global\n    log stdout format raw local0\n{sample}".replace("defaults\n", "defaults\n    log global\n"))
    subprocess.run(["haproxy", "-c", "-q", "-f", file], check=True)
    return ["haproxy", "-db", "-f", str(file)]


def left_out(sample, what):
    """The sample without the lines that match; there must be some."""
    if what is None:
        return sample
    lines = sample.splitlines(keepends=True)
    rest = [line for line in lines if not re.search(what, line)]
    if len(rest) == len(lines):
        fail(f"the sample has no line with {what}")
    return "".join(rest)


@contextlib.contextmanager
def in_front(name, command, directory, servers, folder, without=None):
    """A proxy at work: its address, and what a client needs to trust it."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
        + ["-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    port = free_port()
    with open(directory / "log", "w") as log:
        proxy = subprocess.Popen(command(directory, port, servers, folder, without), stdout=log, stderr=log)
        try:
            context = ssl.create_default_context(cafile=directory / "cert.pem")
            for _ in range(300):
                try:
                    with socket.create_connection(("localhost", port), timeout=30) as connection:
                        context.wrap_socket(connection, server_hostname="localhost").close()
                        break
                except OSError:
                    time.sleep(0.1)
            else:
                fail(f"{name} does not serve: {(directory / 'log').read_text()}")
            yield f"https://localhost:{port}", context
        finally:
            proxy.terminate()
            proxy.wait(30)


def ask(base, context, path, body=None):
    request = urllib.request.Request(base + path, body, {"Content-Type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def set_body(action):
    action = {"Action": action, "RequesterSipUri": "sip:agent@domain.com", "CorrelationId": SESSION, "UCCName": "ucc-demo-name"}
    return json.dumps(action).encode()


def trusting(directory):
    return {**os.environ, "NODE_EXTRA_CA_CERTS": str(directory / "cert.pem")}


def check(name, command, binary, modules):
    with tempfile.TemporaryDirectory() as temporary, running(binary) as (api, admin):
        directory = pathlib.Path(temporary)
        with in_front(name, command, directory, [(api, admin)], HERE.parent) as (base, context):
            plain = f"http://{api}"
            for path in [STATE, STATE.replace("ucc-demo-name", "Gr%C3%B6%C3%9Fe%20%26%20Co"), STATE + "/", "/attendantservice/x"]:
                if ask(base, context, path) != ask(plain, None, path):
                    fail(f"{name}: another answer for {path} than without it")
            for path in ["/", "/healthz", "/sessions", "/metrics"]:
                if ask(base, context, path)[0] != 404:
                    fail(f"{name} lets {path} through")
            status, reply = ask(base, context, SET, set_body("Pause"))
            if (status, json.loads(reply)["RecordingState"]) != (200, 3):
                fail(f"{name}: {status} {reply}")

            listener = ["node", str(HERE / "listen.mjs"), modules, base, plain]
            subprocess.run(listener, check=True, env=trusting(directory), timeout=120)
        has_no_token(name, directory)
        print(f"{name}: requests, refusals and events by three transports, as without it")


def has_no_token(name, directory):
    logs = [directory / log for log in ("log", "access.log", "error.log")]
    written = "".join(log.read_text() for log in logs if log.exists())
    leaks = [line for line in written.splitlines() if "access_token" in line or "secret-of-the-test" in line]
    if "/attendantservice/hubs/recording" not in written or leaks:
        fail(f"{name}: the log has no hub or a token: {leaks[:1]}")


def check_several(name, command, binary, modules, routes):
    """Three servers, each with sessions of its own, so that it shows which of them a request has reached."""
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes, servers = [], []
        for server_name in "abc":
            process, addresses = stack.enter_context(started(binary, "--server-name", server_name))
            processes.append(process)
            servers.append(addresses)
        folder = HERE.parent / "cluster"
        plain = [f"http://{api}" for api, _ in servers]
        listener = ["node", str(HERE / "several.mjs"), modules]

        # Without the lines that route by an id the same listeners fail: so they do route.
        with in_front(name, command, directory, servers, folder, routes) as (base, context):
            done = subprocess.run([*listener, base, "0", *plain], env=trusting(directory), timeout=120, capture_output=True, text=True)
            if done.returncode == 0 or "The connection could not be found on the server" not in done.stderr:
                fail(f"{name}: listeners work without the routes, or fail otherwise: {done.stderr}")

        with in_front(name, command, directory, servers, folder) as (base, context):
            for path in [STATE.replace("ucc-demo-name", "Gr%C3%B6%C3%9Fe%20%26%20Co"), STATE + "/?id=a.x", "/attendantservice/x?id=b.x"]:
                if ask(base, context, path) != ask(plain[0], None, path):
                    fail(f"{name}: another answer for {path} than without it")
            # It ends the first server in the middle.
            done = subprocess.run([*listener, base, str(processes[0].pid), *plain], env=trusting(directory), timeout=180)
            if done.returncode != 0:
                fail(f"{name}: see above; its log: {(directory / 'log').read_text()[-4000:]}")
            # Requests go on without it, changes as well.
            for number in range(30):
                for path, body in [(STATE, None), (SET, set_body(["Mark", "UnMark"][number % 2]))]:
                    status, reply = ask(base, context, path, body)
                    if status != 200:
                        fail(f"{name}: {status} for {path} after a server has died: {reply}")
        has_no_token(name, directory)

        # A change that was sent and not answered is not sent again, wherever.
        with dead_ends(3) as (addresses, seen), in_front(name, command, directory, addresses, folder) as (base, context):
            status, _ = ask(base, context, SET, set_body("Pause"))
            if status not in (502, 503, 504) or len(seen) != 1:
                fail(f"{name}: {status}, and the change was sent {len(seen)} times")
    print(f"{name}: three servers, WebSockets at any of them, streams and polls at their own, one of them killed")


@contextlib.contextmanager
def dead_ends(number):
    """Servers that take a request and end the connection; gives what they have seen."""
    seen, listeners = [], []

    def take(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(30)
                if request := connection.recv(65536):
                    seen.append(request)

    for _ in range(number):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=take, args=(listener,), daemon=True).start()
    try:
        addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
        # Nothing answers where their health is asked for, which is noticed after seconds only.
        yield [(address, f"127.0.0.1:{free_port()}") for address in addresses], seen
    finally:
        for listener in listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def main():
    binary, modules = sys.argv[1:]
    check("nginx", nginx, binary, modules)
    check("HAProxy", haproxy, binary, modules)
    check_several("nginx", nginx, binary, modules, r"recording_[abc];$")
    check_several("HAProxy", haproxy, binary, modules, r"^ *use-server ")


main()
