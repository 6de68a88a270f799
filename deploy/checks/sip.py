"""Two telephones that speak as much SIP over UDP as a call needs: a caller, and an agent that a proxy or a switch calls."""

import re
import socket
import uuid

from server import fail

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


def header(message, name):
    """All values of this header."""
    return re.findall(rf"^{name}[ \t]*:[ \t]*(.*?)\r$", message.split("\r\n\r\n", 1)[0] + "\r", re.I | re.M)


class Telephone:
    """A socket, and what came to it and was not asked for yet."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def wait(self, begins, seconds=15):
        """The next message that begins so, and who sent it; None if none comes."""
        self.socket.settimeout(seconds)
        while True:
            try:
                data, peer = self.socket.recvfrom(65536)
            except TimeoutError:
                return None
            if re.match(begins, text := data.decode()):
                return text, peer

    def need(self, begins):
        return self.wait(begins) or fail(f"no {begins} comes to the telephone")

    def reply(self, request, status, body=""):
        """Answers a request; a success in it has a place where the rest of the call is to go."""
        text, peer = request
        to = header(text, "To")[0]
        lines = [f"SIP/2.0 {status}", *(f"Via: {via}" for via in header(text, "Via")), *(f"Record-Route: {route}" for route in header(text, "Record-Route")),
                 f"From: {header(text, 'From')[0]}", f"To: {to if 'tag=' in to else to + ';tag=agent'}", f"Call-ID: {header(text, 'Call-ID')[0]}",
                 f"CSeq: {header(text, 'CSeq')[0]}", f"Contact: <sip:agent@{self.address}>"]  # fmt: skip
        self.send(lines, peer, body)

    def send(self, lines, peer, body=""):
        lines = [*lines, *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), peer)


class Call:
    """A call from its caller's side."""

    def __init__(self, proxy, to="100", call=None, headers=()):
        self.telephone, self.proxy = Telephone(), proxy
        self.id = call or f"{uuid.uuid4()}@pbx"
        self.uri, self.to, self.routes = f"sip:{to}@{proxy[0]}:{proxy[1]}", f"<sip:{to}@{proxy[0]}>", []
        self.count = 0
        self.request("INVITE", headers, SDP)

    def request(self, method, headers=(), body=""):
        self.count += method != "ACK"
        lines = [f"{method} {self.uri} SIP/2.0", f"Via: SIP/2.0/UDP {self.telephone.address};branch=z9hG4bK{uuid.uuid4().hex}", "Max-Forwards: 70",
                 *(f"Route: {route}" for route in self.routes), "From: <sip:caller@127.0.0.1>;tag=caller", f"To: {self.to}", f"Call-ID: {self.id}",
                 f"CSeq: {self.count} {method}", f"Contact: <sip:caller@{self.telephone.address}>", *headers]  # fmt: skip
        self.telephone.send(lines, self.proxy, body)

    def answered(self):
        """Waits for the agent's answer, and confirms it."""
        text, _ = self.telephone.need(r"SIP/2.0 200 .*")
        self.uri = re.search(r"<(.*?)>", header(text, "Contact")[0])[1]
        self.to, self.routes = header(text, "To")[0], header(text, "Record-Route")[::-1]
        self.request("ACK")

    def hang_up(self):
        self.request("BYE")
        self.telephone.need(r"SIP/2.0 200 .*")
