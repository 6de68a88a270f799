"""A listener made of pysignalr: URL and protocol on the command line, calls from the standard input.

With `by_itself` it comes back as the client does without help: with the id of the connection that it had."""

import asyncio
import json
import sys

from pysignalr.client import SignalRClient
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol


def tell(**what):
    print(json.dumps(what), flush=True)


async def closed():
    tell(**{"is": "closed"})


async def on_event(arguments):
    tell(**{"is": "event", "arguments": arguments})


async def on_answer(message):
    # Of an answer that is an error, both the handler of errors and that of the call are called.
    if not message.error:
        tell(**{"is": "answer", "error": None})


async def on_error(message):
    tell(**{"is": "answer", "error": message.error})


async def main(url, protocol, by_itself=None):
    current = {}

    async def opened():
        tell(**{"is": "open", "url": current["client"]._transport._url})

    async def keep_connected():
        """What an application does that begins again with a new client whenever one has ended."""
        while True:
            client = SignalRClient(url, MessagepackProtocol() if protocol == "binary" else JSONProtocol(), retry_count=1)
            client.on("RecordingStateChangedEvent", on_event)
            client.on_open(opened)
            client.on_close(closed)
            client.on_error(on_error)
            current["client"] = client
            try:
                await client.run()
            except Exception:  # not there yet, whatever it says
                if by_itself:
                    raise
                await asyncio.sleep(0.3)

    connected = asyncio.create_task(keep_connected())
    # Of one that is not to end, the end is seen.
    connected.add_done_callback(lambda ended: ended.cancelled() or (tell(**{"is": "over"}), ended.result()))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        method, *arguments = json.loads(line)
        await current["client"].send(method, arguments, on_answer)
    connected.cancel()


asyncio.run(main(*sys.argv[1:4]))
