"""A WebSocket listener with a tiny receive buffer that reads nothing until it gets the order, and then all there is."""

import json
import socket
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
client.connect((url.hostname, url.port))
client.sendall(
    f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
)
stream = client.makefile("rb")
assert b" 101 " in stream.readline()
while stream.readline() != b"\r\n":
    pass


def frame():
    """The payload of the next frame; None for a closing one, or the end, in whatever way it comes."""
    try:
        head = stream.read(2)
        if len(head) < 2 or head[0] & 0x0F == 8:
            return None
        length = head[1]
        if length == 126:
            length = int.from_bytes(stream.read(2), "big")
        payload = stream.read(length)
        return payload if len(payload) == length else None
    except ConnectionResetError:
        return None


handshake = b'{"protocol":"json","version":1}\x1e'
client.sendall(bytes([0x81, 0x80 | len(handshake), 0, 0, 0, 0]) + handshake)
assert frame() == b"{}\x1e"
print("open", flush=True)
sys.stdin.readline()
# As small a buffer as before would take minutes.
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
while (payload := frame()) is not None:
    for record in payload.split(b"\x1e")[:-1]:
        print(json.dumps(json.loads(record)))
