#!/usr/bin/env python3
"""Runs the wire vectors through the two example programs: `programs.py SERVER SERIAL`, each process with a world afresh.

SERVER is spoken to over HTTP, on a port that it chooses itself. With `--conformance COMMAND` the conformance tool drives
it, too.
"""

import re
import socket
import subprocess
import sys
import tempfile

import vectors


class Server:
    def __init__(self, program, world):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".world")
        self.file.write(world)
        self.file.flush()
        self.process = subprocess.Popen([program, self.file.name, "0", "0"], stdout=subprocess.PIPE, text=True)
        self.api, self.admin = (int(self.process.stdout.readline().rsplit(":", 1)[1]) for _ in range(2))

    def __enter__(self):
        return self

    def stop(self):
        """Ends it, and gives what it printed."""
        self.process.terminate()
        printed, _ = self.process.communicate(timeout=60)
        if self.process.returncode != 0:
            sys.exit(f"programs: the server ended with {self.process.returncode}")
        return printed.splitlines()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.file.close()


def exchange(port, head, body):
    """Sends the bytes of a request and reads the response to its end: status, headers, body."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head + body)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


def by_http(program):
    def answer(world, case):
        body = case.get("body", "").encode()
        head = f"{case['method']} {case['target']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        if case.get("content_type") is not None:
            head += f"Content-Type: {case['content_type']}\r\n"
        with Server(program, vectors.world_file(world)) as server:
            status, headers, reply = exchange(server.api, head.encode() + b"\r\n", body)
            events = [line.removeprefix("RecordingStateChangedEvent ") for line in server.stop()]
        if headers.get("Content-Type") != "application/json; charset=utf-8" or headers.get("Cache-Control") != "no-store":
            sys.exit(f"programs: {case['name']}: headers {headers}")
        if (status == 405) != ("Allow" in headers) or len(events) > 1:
            sys.exit(f"programs: {case['name']}: headers {headers}, events {events}")
        if case["method"] == "HEAD":
            # The body is not sent; what it would be is looked at with GET.
            if reply or "Content-Length" not in headers:
                sys.exit(f"programs: {case['name']}: a HEAD is answered with {reply!r}, {headers}")
            as_get = answer(world, case | {"method": "GET"})
            if as_get[0] != status or int(headers["Content-Length"]) != len(as_get[1].encode()):
                sys.exit(f"programs: {case['name']}: HEAD is not answered as GET")
            return as_get
        return status, reply.decode(), events[0] if events else None

    return answer


def by_serial(program):
    def answer(world, case):
        body = case.get("body", "").encode()
        line = f"{case['method']} {case['target']} {len(body)} {case.get('content_type') or '-'}\n".encode()
        with tempfile.NamedTemporaryFile("w", suffix=".world") as file:
            file.write(vectors.world_file(world))
            file.flush()
            done = subprocess.run([program, file.name], input=line + body, stdout=subprocess.PIPE, check=True, timeout=60)
        head, rest = done.stdout.split(b"\n", 1)
        status, length = map(int, head.split())
        reply, rest = rest[:length].decode(), rest[length:]
        event = None
        if found := re.match(rb"EVENT (\d+)\n", rest):
            rest = rest[found.end() :]
            event, rest = rest[: int(found[1])].decode(), rest[int(found[1]) :]
        if rest != b"END\n":
            sys.exit(f"programs: {case['name']}: {rest!r} instead of the end")
        return status, reply, event

    return answer


def arrivals(program):
    """What HTTP adds: pieces of a body, several headers, several requests on one connection, call control."""
    world, target = vectors.wire()["world"], "/attendantservice/api/recording"
    session = "ucc-demo-name/1d6c6a58-6739-4f0c-98ff-0968292c8c30"
    body = b'{"Action":1,"RequesterSipUri":"sip:agent@domain.com","CorrelationId":"1d6c6a58-6739-4f0c-98ff-0968292c8c30","UCCName":"ucc-demo-name"}'
    set_head = f"POST {target}/set HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
    with Server(program, vectors.world_file(world)) as server:

        def statuses(head, sent=b"", port=server.api):
            return exchange(port, head + b"\r\n", sent)[0]

        two = b"Content-Type: application/json\r\nContent-Type: application/json\r\n"
        length = b"Content-Length: %d\r\n" % len(body)
        json_type = b"Content-Type: Application/JSON; charset=utf-8\r\n"
        chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        huge = b" " * 500_000
        found = [
            statuses(set_head + two + length, body),
            statuses(set_head + json_type + length, body),
            statuses(set_head + json_type + b"Transfer-Encoding: chunked\r\n", chunked),
            statuses(set_head + json_type + b"Content-Length: %d\r\n" % len(huge), huge),
            statuses(f"GET http://localhost{target}/{session}?x=%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()),
        ]
        if found != [415, 200, 200, 413, 200]:
            sys.exit(f"programs: arrivals are answered {found}")
        control = [
            exchange(server.admin, f"{method} /sessions/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(sent)}\r\n\r\n".encode(), sent)
            for method, path, sent in [
                ("PUT", "ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b'{"RecordingState":3,"MarkingState":0,"SavingState":1}'),
                ("PUT", "ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b""),
                ("GET", "ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b""),
                ("DELETE", "ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b""),
                ("DELETE", "ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b""),
                ("PUT", "nobody/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b""),
                ("PUT", "ucc-demo-name/6f9619ff", b""),
                ("PUT", "ucc-demo-name/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", b"{}"),
                ("PUT", "ucc-demo-name", b""),
            ]
        ]
        if [status for status, _, _ in control] != [201, 200, 405, 200, 404, 404, 400, 400, 404]:
            sys.exit(f"programs: call control answers {control}")
        if control[1][2] != b'{"RecordingState":3,"MarkingState":0,"SavingState":1}' or control[3][2] != b'{"Disposition":"Keep"}':
            sys.exit(f"programs: call control answers {control}")
        events = server.stop()
    # The first set that was taken starts the recorder, the second is a repeat.
    if len(events) != 1:
        sys.exit(f"programs: events {events}")
    print("server: pieces, several headers, absolute targets, call control")
    return True


def conformance(program, command):
    """The conformance tool against the server, in the world of the vectors."""
    others = ["--unlicensed", "ucc-no-license", "--audio-off", "ucc-no-audio", "--editing-off", "ucc-no-edit", "--refusing", "ucc-strict"]
    with Server(program, vectors.world_file(vectors.wire()["world"])) as server:
        urls = ["--url", f"http://127.0.0.1:{server.api}", "--admin", f"http://127.0.0.1:{server.admin}"]
        done = subprocess.run([*command, *urls, *others, "--cases", "64", "--quiet"], stdout=subprocess.PIPE, text=True)
        server.stop()
    if done.returncode != 0:
        print(done.stdout)
        return False
    print("server: the conformance tool finds nothing in 64 sequences")
    return True


def main():
    arguments, command = sys.argv[1:], None
    if "--conformance" in arguments:
        at = arguments.index("--conformance")
        arguments, command = arguments[:at], arguments[at + 1 :]
    server, serial = arguments
    held = [
        vectors.run("server", by_http(server)),
        vectors.run("serial", by_serial(serial)),
        arrivals(server),
        command is None or conformance(server, command),
    ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
