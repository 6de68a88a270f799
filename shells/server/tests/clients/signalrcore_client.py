"""A listener made of signalrcore: URL, transport and protocol on the command line, calls from the standard input.

With `same` the client that was closed is started again, which remembers the id that it had."""

import json
import logging
import sys
import threading
import time

from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.types import HttpTransportType, HubProtocolEncoding

lock = threading.Lock()
is_open = threading.Event()


def tell(**what):
    with lock:
        print(json.dumps(what), flush=True)


def opened():
    is_open.set()
    tell(**{"is": "open"})


def closed():
    is_open.clear()
    tell(**{"is": "closed"})


def connect(url, transport, protocol):
    hub = (
        HubConnectionBuilder()
        .with_url(url, options={"transport": HttpTransportType[transport], "verify_ssl": False})
        .configure_logging(logging.CRITICAL)
        .with_hub_protocol(HubProtocolEncoding[protocol])
        .build()
    )
    hub.on_open(opened)
    hub.on_close(closed)
    hub.on_error(lambda message: tell(**{"is": "answer", "error": message.error}))
    hub.on("RecordingStateChangedEvent", lambda arguments: tell(**{"is": "event", "arguments": arguments}))
    hub.start()
    return hub


def keep_connected(arguments, current, same):
    """The client does not come back by itself after a Close, so this does what an application has to."""
    while True:
        if not is_open.is_set():
            try:
                if same and "hub" in current:
                    current["hub"].start()
                else:
                    current["hub"] = connect(*arguments)
                is_open.wait(10)
            except Exception:  # not there yet, whatever it says
                pass
        time.sleep(0.3)


current = {}
threading.Thread(target=keep_connected, args=(sys.argv[1:4], current, sys.argv[4:] == ["same"]), daemon=True).start()
for line in sys.stdin:
    method, *arguments = json.loads(line)
    current["hub"].send(method, arguments, lambda _: tell(**{"is": "answer", "error": None}))
