"""Puts nginx and HAProxy before a server as deploy/ has them, and goes through them: proxies.py SERVER-BINARY SIGNALR-MODULES

Only addresses, files and users are changed, to what a test may use.
"""

import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from server import fail, running

HERE = pathlib.Path(__file__).parent
SESSION = "1d6c6a58-6739-4f0c-98ff-0968292c8c30"
STATE = f"/attendantservice/api/recording/ucc-demo-name/{SESSION}"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def replaced(text, changes):
    """Each change must be one that the file knows."""
    for old, new in changes.items():
        if old not in text:
            fail(f"the sample has no {old!r} any more")
        text = text.replace(old, new)
    return text


def nginx(directory, port, api, _admin):
    sample = (HERE.parent / "nginx.conf").read_text()
    sample = replaced(
        sample,
        {
            "server 127.0.0.1:8080": f"server {api}",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/recording.crt": f"{directory}/cert.pem",
            "/etc/ssl/recording.key": f"{directory}/key.pem",
            "/var/log/nginx/recording.log": f"{directory}/access.log",
        },
    )
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


def haproxy(directory, port, api, admin):
    (directory / "both.pem").write_text((directory / "cert.pem").read_text() + (directory / "key.pem").read_text())
    sample = replaced(
        (HERE.parent / "haproxy.cfg").read_text(),
        {
            "bind :443": f"bind 127.0.0.1:{port}",
            "/etc/ssl/recording.pem": f"{directory}/both.pem",
            "server one 127.0.0.1:8080": f"server one {api}",
            "port 8081": f"port {admin.rsplit(':', 1)[1]}",
        },
    )
    file = directory / "haproxy.cfg"
    file.write_text(f"global\n    log stdout format raw local0\n{sample}".replace("defaults\n", "defaults\n    log global\n"))
    subprocess.run(["haproxy", "-c", "-q", "-f", file], check=True)
    return ["haproxy", "-db", "-f", str(file)]


def ask(base, context, path, body=None):
    request = urllib.request.Request(base + path, body, {"Content-Type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def check(name, command, binary, modules):
    with tempfile.TemporaryDirectory() as temporary, running(binary) as (api, admin):
        directory = pathlib.Path(temporary)
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
            + ["-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        port = free_port()
        log = open(directory / "log", "w")
        proxy = subprocess.Popen(command(directory, port, api, admin), stdout=log, stderr=log)
        try:
            base = f"https://localhost:{port}"
            context = ssl.create_default_context(cafile=directory / "cert.pem")
            for _ in range(300):
                try:
                    if ask(base, context, STATE)[0] == 200:
                        break
                except OSError:
                    pass
                time.sleep(0.1)
            else:
                fail(f"{name} does not serve: {(directory / 'log').read_text()}")

            plain = f"http://{api}"
            for path in [STATE, STATE.replace("ucc-demo-name", "Gr%C3%B6%C3%9Fe%20%26%20Co"), STATE + "/", "/attendantservice/x"]:
                if ask(base, context, path) != ask(plain, None, path):
                    fail(f"{name}: another answer for {path} than without it")
            for path in ["/", "/healthz", "/sessions", "/metrics"]:
                if ask(base, context, path)[0] != 404:
                    fail(f"{name} lets {path} through")
            action = {"Action": "Pause", "RequesterSipUri": "sip:agent@domain.com", "CorrelationId": SESSION, "UCCName": "ucc-demo-name"}
            status, reply = ask(base, context, "/attendantservice/api/recording/set", json.dumps(action).encode())
            if (status, json.loads(reply)["RecordingState"]) != (200, 3):
                fail(f"{name}: {status} {reply}")

            environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(directory / "cert.pem")}
            listener = ["node", str(HERE / "listen.mjs"), modules, base, plain]
            subprocess.run(listener, check=True, env=environment, timeout=120)
            written = (directory / "log").read_text()
            if (directory / "access.log").exists():
                written += (directory / "access.log").read_text()
            if "/attendantservice/hubs/recording" not in written or re.search(r"access_token|secret-of-the-test", written):
                fail(f"{name}: the log has no hub or a token")
        finally:
            proxy.terminate()
            proxy.wait(30)
            log.close()
        print(f"{name}: requests, refusals and events by three transports, as without it")


def main():
    binary, modules = sys.argv[1:]
    check("nginx", nginx, binary, modules)
    check("HAProxy", haproxy, binary, modules)


main()
