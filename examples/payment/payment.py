import json, os, queue, sys, threading, time, urllib.request
from urllib.parse import quote

class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_): return None  # another host must not get the token, nor answer for this one

class Payment:
    def __init__(self, api, token=None):  # "https://…:8080/attendantservice/api/recording"
        self.api, self.token = api, token
        self.http = urllib.request.build_opener(NoRedirect)

    def send(self, path, body, wait):
        """The state if the reply says that the request was carried out, else None."""
        headers = {"Content-Type": "application/json"}
        if self.token: headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(f"{self.api}/{path}", data, headers)
            with self.http.open(request, timeout=wait) as response:
                reply = json.load(response)
                return reply["RecordingState"] if response.status == 200 and reply["ErrorMessage"] is None else None
        except Exception:  # no reply, another status, or no reply of this API
            return None

    def ask(self, path, body, end):
        """The same, or None after two seconds: a time-out of urllib is one for each read."""
        wait, box = max(0.001, min(2, end - time.monotonic())), queue.SimpleQueue()
        threading.Thread(target=lambda: box.put(self.send(path, body, wait)), daemon=True).start()
        try: return box.get(timeout=wait)
        except queue.Empty: return None

    def may_speak_the_number(self, ucc, session, agent, patience=6):
        """Pauses, and returns whether the stored state is one in which nothing is recorded."""
        pause = {"Action": "Pause", "RequesterSipUri": agent, "CorrelationId": session, "UCCName": ucc}
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.ask("set", pause, end) == 3: return True
            if self.ask(f"{quote(ucc, safe='')}/{quote(session, safe='')}", None, end) in (0, 2, 3): return True
            time.sleep(0.2)
        return False  # the card number must not be spoken

if __name__ == "__main__":  # payment.py API UCC SESSION AGENT
    api, ucc, session, agent = sys.argv[1:]
    sys.exit(not Payment(api, os.environ.get("RECORDING_TOKEN")).may_speak_the_number(ucc, session, agent))
