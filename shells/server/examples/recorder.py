"""A recorder of eight lines that recording-server asks by HTTP:  python3 recorder.py PORT FOLDER

A session names its line when it begins: {"Recorder":{"Line":3}}. What is "heard" on a line is the time, every 10 ms.
"""
import json, os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BECOMES = {"Record": "Recording", "Pause": "Paused", "Stop": "Off"}
PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
lock = threading.Lock()  # nothing is written while an order changes a line

def file(line): return os.path.join(FOLDER, f"line-{line}.json")

def load(line):
    try: return json.load(open(file(line)))
    except FileNotFoundError: return {"Number": 0, "RecorderState": "Off", "CorrelationId": None}

lines = {line: load(line) for line in range(1, 9)}

def keep(line, new):  # on the disk before the reply: after a restart late orders are refused as before
    with open(file(line) + ".new", "w") as out:
        json.dump(new, out), out.flush(), os.fsync(out.fileno())
    os.replace(file(line) + ".new", file(line))
    lines[line] = new

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        line, number = order["Recorder"].get("Line"), order["Number"]
        with lock:
            if line not in lines: self.answer(404)
            elif number < lines[line]["Number"]: self.answer(409)  # the fence: it was overtaken
            else:
                keep(line, {"Number": number, "RecorderState": BECOMES[order["Order"]], "CorrelationId": order["CorrelationId"]})
                self.answer(200, lines[line])

    def do_GET(self):
        call = parse_qs(urlsplit(self.path).query).get("CorrelationId", [""])[0]
        found = [state for state in lines.values() if state["CorrelationId"] == call]
        self.answer(200 if found else 404, found[0] if found else {})

    def answer(self, status, document={}):
        body = json.dumps(document).encode()
        self.send_response(status), self.send_header("Content-Length", str(len(body))), self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_): pass

def hear():
    while True:
        with lock:
            for line, state in lines.items():
                if state["RecorderState"] == "Recording":
                    with open(os.path.join(FOLDER, f"line-{line}.audio"), "a") as audio: print(time.time_ns(), file=audio)
        time.sleep(0.01)

threading.Thread(target=hear, daemon=True).start()
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
