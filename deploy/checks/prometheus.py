"""The sample for Prometheus, run by Prometheus: usage: prometheus.py SERVER-BINARY FOLDER-OF-PROMETHEUS

The rules report what they are to report and nothing else, name no metric that the server does not have, and a real Prometheus
reads a real server by them."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from server import fail, free_port, running

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "deploy/prometheus"


def check_names():
    """Metrics and the number of rules are those of the page; a test of the server compares that with its metrics."""
    known = set(re.findall(r"`(recording_\w+)", (ROOT / "docs/running.md").read_text()))
    rules = re.findall(r"expr: (.*)", (SAMPLE / "alerts.yml").read_text())
    used = {name for rule in rules for name in re.findall(r"\brecording_\w+", rule)}
    unknown = {name for name in used if name not in known and re.sub(r"_(bucket|count|sum)$", "", name) not in known}
    if unknown or not used:
        fail(f"alerts.yml names metrics that docs/running.md does not have: {unknown}")
    if f" {len(rules)} rules of what to be called for" not in (ROOT / "docs/running.md").read_text():
        fail(f"docs/running.md does not say that there are {len(rules)} rules")


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
        return json.load(reply)["data"]


def check_scrape(server, prometheus):
    with tempfile.TemporaryDirectory() as folder, running(server) as (_, admin):
        config = (SAMPLE / "prometheus.yml").read_text()
        if "127.0.0.1:8081" not in config:
            fail("prometheus.yml does not name the admin's port")
        pathlib.Path(folder, "prometheus.yml").write_text(config.replace("127.0.0.1:8081", admin))
        shutil.copy(SAMPLE / "alerts.yml", folder)
        port = free_port()
        arguments = [
            prometheus,
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
            try:
                until = time.monotonic() + 60
                while True:
                    try:
                        found = ask(port, "/api/v1/query?query=recording_ready")["result"]
                        if [sample["value"][1] for sample in found] == ["1"]:
                            break
                    except OSError:
                        pass
                    if time.monotonic() > until or process.poll() is not None:
                        process.terminate()
                        fail(f"Prometheus does not read the server: {process.stderr.read()[-2000:]}")
                    time.sleep(0.2)
                rules = [rule for group in ask(port, "/api/v1/rules")["groups"] for rule in group["rules"]]
            finally:
                process.terminate()
                process.stderr.read()
        if not rules or any(rule.get("lastError") for rule in rules):
            fail(f"rules with errors: {rules}")
        return len(rules)


def main():
    server, folder = sys.argv[1:]
    check_names()
    tested = subprocess.run([f"{folder}/promtool", "test", "rules", SAMPLE / "alerts-test.yml"], capture_output=True, text=True)
    if tested.returncode != 0:
        fail(tested.stdout + tested.stderr)
    print(f"Prometheus reads the server; its {check_scrape(server, f'{folder}/prometheus')} rules report what they are to report")


main()
