// Listens through a proxy by each transport: usage: listen.mjs MODULES PROXY SERVER
import { createRequire } from "node:module";

const [modules, proxy, server] = process.argv.slice(2);
const { HubConnectionBuilder, HttpTransportType, LogLevel } = createRequire(`${modules}/`)("@microsoft/signalr");
const id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

async function set(action) {
  const response = await fetch(`${server}/attendantservice/api/recording/set`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ Action: action, RequesterSipUri: "sip:agent@domain.com", CorrelationId: id, UCCName: "ucc-demo-name" }),
  });
  const reply = await response.json();
  if (reply.ErrorMessage) throw new Error(reply.ErrorMessage.Message);
}

for (const transport of ["WebSockets", "ServerSentEvents", "LongPolling"]) {
  const hub = new HubConnectionBuilder()
    .withUrl(`${proxy}/attendantservice/hubs/recording`, {
      transport: HttpTransportType[transport],
      accessTokenFactory: () => "secret-of-the-test",
    })
    .configureLogging(LogLevel.Error)
    .build();
  const came = [];
  hub.on("RecordingStateChangedEvent", (event) => void came.push(event.StateAction));
  await hub.start();
  // More than a proxy would keep back, one by one: an event that waits for the next one is found.
  for (const [action, code] of [["Mark", 6], ["UnMark", 7], ["Mark", 6], ["UnMark", 7]]) {
    await set(action);
    const late = Date.now() + 20_000;
    while (came.at(-1) !== code) {
      if (Date.now() > late) throw new Error(`${transport}: ${action} does not come; so far ${came}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  await hub.stop();
  if (came.length !== 4) throw new Error(`${transport}: ${came}`);
}
