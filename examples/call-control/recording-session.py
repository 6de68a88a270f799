#!/usr/bin/env python3
"""Begins and ends a session from Asterisk's dialplan, as AGI: docs/call-control.md.

AGI(recording-session.py,PUT,UCC,SESSION,STATE,Channel=NAME) and AGI(recording-session.py,DELETE,UCC,SESSION). STATE is 1 if the
call is being recorded already, else 0; what follows is for the UCC's recorder, if it has one. RECORDING_STATUS is the status of the
reply then, or 0 without one; RECORDING_DISPOSITION what is to become of the recording.
"""
import json, os, sys, time, urllib.request
from urllib.error import HTTPError
from urllib.parse import quote

ADMIN = os.environ.get("RECORDING_ADMIN", "http://127.0.0.1:8081")
TOKEN_FILE = os.environ.get("RECORDING_ADMIN_TOKEN_FILE")  # for --admin-tokens

def request(method, ucc, session, state="0", of_recorder=None):
    body = {"RecordingState": int(state), "MarkingState": 0, "SavingState": 0}
    if of_recorder: body["Recorder"] = dict([of_recorder.split("=", 1)])
    url = f"{ADMIN}/sessions/{quote(ucc, safe='')}/{quote(session, safe='')}"
    data = json.dumps(body).encode() if method == "PUT" else None
    try:
        headers = {"Authorization": "Bearer " + open(TOKEN_FILE).read().strip()} if TOKEN_FILE else {}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=2) as reply:
            return reply.status, json.load(reply)
    except HTTPError as error:
        return error.code, {}
    except (OSError, ValueError):  # no token, no reply, or none of this server
        return 0, {}

def set_variable(name, value):
    print(f'SET VARIABLE {name} "{value}"', flush=True)
    sys.stdin.readline()

while sys.stdin.readline().strip():  # what Asterisk says of the channel, up to an empty line
    pass
for attempt in range(3):  # both may be sent again
    status, reply = request(*sys.argv[1:])
    if 200 <= status < 500 and status != 429: break
    time.sleep(0.2)
set_variable("RECORDING_STATUS", status)
set_variable("RECORDING_DISPOSITION", reply.get("Disposition", ""))
