"""The dialplan of docs/call-control.md, with calls through Asterisk: usage: asterisk.py SERVER-BINARY ASTERISK ROOT

ROOT is where Asterisk's package is unpacked, `/` if it is installed. The lines begin a session for each call that is answered and
end it at the end, and the calls go on when the server does not answer."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile

from kamailio import hang_up, recorder, set_by_agent
from server import UCC_WITH_RECORDER, fail, free_port, started
from sip import SDP, Call, Telephone, header
from switch import Switch

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/call-control"
# What a call needs and no more.
MODULES = """res_speech res_agi pbx_config chan_pjsip app_dial app_exec app_stack app_verbose bridge_simple bridge_softmix codec_ulaw format_pcm func_channel func_md5
func_strings func_logic res_pjproject res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_caller_id
res_pjsip_endpoint_identifier_anonymous res_pjsip_header_funcs res_rtp_asterisk res_sorcery_astdb res_sorcery_config res_sorcery_memory
res_timing_timerfd res_geolocation res_statsd"""
CONFIG = {
    "asterisk.conf": """[directories]
astetcdir => {folder}
astmoddir => {modules}
astvarlibdir => {folder}
astdbdir => {folder}
astkeydir => {folder}
astdatadir => {data}
astagidir => {folder}
astspooldir => {folder}
astrundir => {folder}
astlogdir => {folder}
[options]
verbose = 3
systemname = lab
""",
    "modules.conf": "[modules]\nautoload = no\n{load}",
    "logger.conf": "[logfiles]\nconsole => notice,warning,error\n",
    "pjsip.conf": """[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{port}
[anonymous]
type = endpoint
context = calls
disallow = all
allow = ulaw
direct_media = no
[agents]
type = endpoint
aors = agents
disallow = all
allow = ulaw
direct_media = no
[agents]
type = aor
contact = sip:{agent}
""",
    "rtp.conf": "[general]\nrtpstart = 40100\nrtpend = 40200\n",
}


class Asterisk(Switch):

    def __init__(self, program, root, folder, agent, environment, session_first=False):
        self.address = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
        modules = next((root / "usr/lib").glob("*/asterisk/modules"), root / "usr/lib/asterisk/modules")
        load = "".join(f"load = {one}.so\n" for one in MODULES.split() if (modules / f"{one}.so").exists())
        for name, text in CONFIG.items():
            values = {"folder": folder, "modules": modules, "data": root / "usr/share/asterisk", "load": load, "port": self.address[1], "agent": agent}
            (folder / name).write_text(text.format(**values))
        for name in ["extensions.conf", "recording-session.py"]:
            shutil.copy(EXAMPLES / name, folder)
        if session_first:
            dialplan = folder / "extensions.conf"
            dialplan.write_text(dialplan.read_text().replace(" ; same => n,ExecIf", " same => n,ExecIf"))
        self.run([program, "-f", "-C", folder / "asterisk.conf", "-n", "-vvv"], env=environment)
        self.until(lambda: any("Asterisk Ready" in line for line in self.lines), "Asterisk")

    def said(self, session):
        """What the dialplan logged of this session, without its id."""
        found = (re.search(rf"NOTICE\[.*session {session} (.*?)\s*$", line) for line in self.lines)
        return [one[1] for one in found if one]


def answer(agent, call):
    """The agent takes the call; gives the session's id, which its desk learns from a header."""
    invite = agent.need("INVITE")
    [session] = header(invite[0], "X-Recording-Session")
    agent.reply(invite, "200 OK", SDP)
    agent.need("ACK")
    call.answered()
    return session


def whole_call(asterisk, agent, api, orders):
    call = Call(asterisk.address)
    session = answer(agent, call)
    # Both hear each other only once it is known whether there is a session.
    if asterisk.said(session) != ["begins: 201"]:
        asterisk.until(lambda: asterisk.said(session) == ["begins: 201"], "the begin")
    set_by_agent(api, session)
    if orders[-1][0] != "Record" or not orders[-1][1]["Channel"].startswith("PJSIP/anonymous-"):
        fail(f"the recorder was asked {orders}")
    hang_up(agent, call)
    asterisk.until(lambda: asterisk.said(session) == ["begins: 201", "ends: 200 Keep"], "the end")
    asterisk.until(lambda: orders[-1][0] == "Stop", "the recorder's Stop")


def refused(asterisk, agent):
    """The agent is busy: there is nothing to record, and nothing to end."""
    call = Call(asterisk.address)
    invite = agent.need("INVITE")
    [session] = header(invite[0], "X-Recording-Session")
    agent.reply(invite, "486 Busy Here")
    agent.need("ACK")
    call.telephone.need("SIP/2.0 486")
    asterisk.until(lambda: asterisk.said(session), "the end of a call that was not answered")
    if asterisk.said(session) != ["ends: 404"]:
        fail(f"a call that was not answered: {asterisk.said(session)}")


def frozen(asterisk, agent, server):
    """The server does not answer at all: the call goes on, and the dialplan knows it."""
    server.send_signal(signal.SIGSTOP)
    try:
        call = Call(asterisk.address)
        session = answer(agent, call)
        asterisk.until(lambda: asterisk.said(session) == ["begins: 0"], "the begin without a reply")
        hang_up(agent, call)
    finally:
        server.send_signal(signal.SIGCONT)
    asterisk.until(lambda: len(asterisk.said(session)) == 2, "the end")


def session_first(asterisk, agent):
    """With the line that is commented out no call goes on without a session."""
    call = Call(asterisk.address)
    invite = agent.need("INVITE")
    agent.reply(invite, "200 OK", SDP)
    agent.reply(agent.need("BYE"), "200 OK")
    call.telephone.need(r"BYE|SIP/2.0 [3-6]")


def main(binary, program, root):
    orders, agent = [], Telephone()
    with tempfile.TemporaryDirectory() as folder, recorder(orders) as address:
        folder = pathlib.Path(folder)
        (folder / "world.toml").write_text(UCC_WITH_RECORDER.format(address))
        token = "rec_" + "0" * 64
        (folder / "token").write_text(token)
        (folder / "tokens").write_text(f"switch {hashlib.sha256(token.encode()).hexdigest()}\n")
        with started(binary, "--config", str(folder / "world.toml"), "--store", "memory", "--admin-tokens", str(folder / "tokens")) as (server, (api, admin)):
            environment = os.environ | {"RECORDING_ADMIN": f"http://{admin}", "RECORDING_ADMIN_TOKEN_FILE": str(folder / "token")}
            arguments = program, pathlib.Path(root), folder, agent.address, environment
            with Asterisk(*arguments) as asterisk:
                whole_call(asterisk, agent, api, orders)
                refused(asterisk, agent)
                frozen(asterisk, agent, server)
                whole_call(asterisk, agent, api, orders)
            with Asterisk(*arguments, session_first=True) as asterisk:
                whole_call(asterisk, agent, api, orders)
                server.send_signal(signal.SIGSTOP)
                try:
                    session_first(asterisk, agent)
                finally:
                    server.send_signal(signal.SIGCONT)
                (folder / "recording-session.py").chmod(0o644)
                session_first(asterisk, agent)
    print("Asterisk begins and ends a session for each call that is answered, and knows when the server did not answer")


if __name__ == "__main__":
    main(*sys.argv[1:])
