"""The page for authors of call control: usage: call_control.py SERVER-BINARY

Each of its commands, in their order, must print what the page shows after it; times may differ. Commands that need a recorder come
after a mark in the page, and are for a server that has the sample of one. The loop over all pages must list each session once,
however many pages there are. The lines for Kamailio and Asterisk must be those of the files, which deploy/check-telephony runs."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from sample import Sample
from server import UCC_WITH_RECORDER, fail, request, running

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/call-control.md"
EXAMPLES = ROOT / "examples/call-control"
WITH_RECORDER, WITHOUT_IT = "<!-- from here with a recorder -->", "<!-- the recorder is gone from here on -->"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def commands(text):
    """Each command of the page's console blocks, with what it prints there."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.S | re.M):
        for entry in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, printed = entry.partition("\n")
            yield command, printed


def run(text, addresses):
    count = 0
    for command, shown in commands(text):
        here = command
        for port, address in zip((8080, 8081), addresses):
            here = here.replace(f"127.0.0.1:{port}", address)
        ran = subprocess.run(["bash", "-c", here], capture_output=True, text=True, check=False)
        if TIME.sub("TIME", ran.stdout).strip() != TIME.sub("TIME", shown).strip():
            fail(f"{command}\nprints on the page\n{shown}and prints\n{ran.stdout}{ran.stderr}")
        count += 1
    return count


def all_pages(page, admin):
    """The loop, with pages so small that there are many."""
    [loop] = re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)
    begun = {f"{number:08x}-0000-4000-8000-000000000000" for number in range(23)}
    for session in begun:
        request(admin, "PUT", f"/sessions/ucc-demo-name/{session}")
    listed = json.loads(request(admin, "GET", "/sessions")[2])["Sessions"]
    wanted = sorted(f"{one['UCCName']} {one['CorrelationId']}" for one in listed)
    if len(wanted) < len(begun):
        fail(f"{len(wanted)} sessions are listed")
    for limit in [1, 7, 1000]:
        if loop.count("limit=1000") != 1 or loop.count("127.0.0.1:8081") != 1:
            fail("the loop over all pages is not as this check knows it")
        here = loop.replace("limit=1000", f"limit={limit}").replace("127.0.0.1:8081", admin)
        ran = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, check=False)
        if sorted(ran.stdout.splitlines()) != wanted:
            fail(f"the loop with pages of {limit} lists\n{ran.stdout}{ran.stderr}\nand there are\n{wanted}")


def of_files(page):
    """What the page shows of the files for switches."""
    script = (EXAMPLES / "kamailio.cfg").read_text()
    script = script.split("# What the page shows begins here.\n")[1].split("# What the page shows ends here.\n")[0]
    for language, shown in [("cfg", script), ("ini", (EXAMPLES / "extensions.conf").read_text())]:
        if f"```{language}\n{shown}```\n" not in page:
            fail(f"the page does not show the lines in {language} as they are in examples/call-control")


def main(binary):
    page = PAGE.read_text()
    of_files(page)
    without, rest = page.split(WITH_RECORDER)
    with_it, gone = rest.split(WITHOUT_IT)
    with running(binary) as addresses:
        count = run(without, addresses)
        all_pages(page, addresses[1])
    with tempfile.TemporaryDirectory() as folder, Sample(folder) as sample:
        world = pathlib.Path(folder) / "world.toml"
        world.write_text(UCC_WITH_RECORDER.format(sample.address) + 'resume = "holders"\n')
        with running(binary, "--config", str(world), "--store", "memory") as addresses:
            # The server has asked it once.
            for _ in range(200):
                if json.loads(request(addresses[1], "GET", "/recorders")[2])["Recorders"][0]["Usable"]:
                    break
                time.sleep(0.05)
            count += run(with_it, addresses)
            sample.kill()
            count += run(gone, addresses)
    print(f"{count} commands of docs/call-control.md print what the page shows, and its loop lists every session once")


if __name__ == "__main__":
    main(*sys.argv[1:])
