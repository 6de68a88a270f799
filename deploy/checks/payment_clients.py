"""The clients of examples/payment: the one in Python in this process, the others as programs that are asked by lines."""

import concurrent.futures
import contextlib
import importlib.util
import itertools
import os
import pathlib
import subprocess
import sys
import threading

from server import fail

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/payment"
# For an answer: longer than any patience that a check gives.
LIMIT = 60


class Python:
    name = "Python"

    def __init__(self):
        spec = importlib.util.spec_from_file_location("payment_example", EXAMPLES / "payment.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.client = module.Payment
        self.pool = concurrent.futures.ThreadPoolExecutor(64)

    def ask(self, api, token, ucc, session, agent, patience):
        return self.pool.submit(self.client(api, token).may_speak_the_number, ucc, session, agent, patience)

    def end(self):
        self.pool.shutdown()


class Program:
    """A client in another language, with the program that drives it."""

    def __init__(self, name, command, environment):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                                        env=os.environ | environment)  # fmt: skip
        self.number = itertools.count()
        self.waiting = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            number, may = line.rstrip("\n").split("\t")
            with self.lock:
                self.waiting.pop(int(number)).set_result({"true": True, "false": False}[may])
        with self.lock:
            for future in self.waiting.values():
                future.set_exception(RuntimeError(f"the program of {self.name} has ended"))

    def ask(self, api, token, ucc, session, agent, patience):
        future = concurrent.futures.Future()
        number = next(self.number)
        with self.lock:
            self.waiting[number] = future
        self.process.stdin.write("\t".join(map(str, (number, api, token or "", ucc, session, agent, patience))) + "\n")
        self.process.stdin.flush()
        return future

    def end(self):
        self.process.stdin.close()
        self.process.wait(LIMIT)


def java(folder, certificate):
    """The client in Java, compiled; it trusts the certificate by a file of Java's own form."""
    subprocess.run(["javac", "-Xlint:all", "-d", folder / "java", EXAMPLES / "Payment.java",
                    ROOT / "deploy/checks/PaymentCheck.java"], check=True)  # fmt: skip
    trust = folder / "trust.p12"
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "server", "-file", certificate, "-keystore", trust,
                    "-storepass", "changeit"], check=True, capture_output=True)  # fmt: skip
    trusts = [f"-Djavax.net.ssl.trustStore={trust}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    return Program("Java", ["java", "-XX:TieredStopAtLevel=1", *trusts, "-cp", folder / "java", "PaymentCheck"], {})


class Clients:
    def __init__(self, clients):
        self.clients = clients

    def ask(self, api, token, ucc, session, agent, patience):
        """What each is asked, as futures by its name; the session may differ from client to client."""
        session = session if callable(session) else lambda _, same=session: same
        return {one.name: one.ask(api, token, ucc, session(number), agent, patience) for number, one in enumerate(self.clients)}

    def expect(self, wanted, what, asked):
        for name, future in asked.items():
            if future.result(LIMIT) is not wanted:
                fail(f"{what}: the program in {name} does not say {wanted}")


@contextlib.contextmanager
def all_clients(folder, certificate):
    """Clients that trust this certificate, besides those that the system trusts."""
    os.environ["SSL_CERT_FILE"] = str(certificate)
    node = ["node", ROOT / "deploy/checks/payment.mjs"]
    clients = [Python(), Program("Node", node, {"NODE_EXTRA_CA_CERTS": str(certificate)}), java(folder, certificate)]
    try:
        yield Clients(clients)
    finally:
        for client in clients:
            client.end()


def by_hand(api, token, ucc, session, agent, certificate):
    """The programs that need no compiler, as they are started by hand."""
    environment = os.environ | {"SSL_CERT_FILE": str(certificate), "NODE_EXTRA_CA_CERTS": str(certificate)}
    if token:
        environment["RECORDING_TOKEN"] = token
    commands = [[sys.executable, EXAMPLES / "payment.py"], ["node", EXAMPLES / "payment.mjs"]]
    return [subprocess.Popen([*command, api, ucc, session, agent], env=environment) for command in commands]
