// Listens through a proxy in front of three servers by each transport: usage: several.mjs MODULES PROXY PID A B C
//
// The servers are called a, b and c, and each has sessions of its own: an event says which of them a listener is at. PID is
// that of the first one, which is killed at the end; 0 leaves it alone.
import { createRequire } from "node:module";

const [modules, proxy, pid, ...servers] = process.argv.slice(2);
const { DefaultHttpClient, HubConnectionBuilder, HttpTransportType, LogLevel, NullLogger } =
  createRequire(`${modules}/`)("@microsoft/signalr");
const id = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";
const NAMES = ["a", "b", "c"];
// What is done at each server, by turns, and the code of its event: no two servers have one in common.
const DONE = [[["Mark", 6], ["UnMark", 7]], [["Pause", 3], ["Start", 1]], [["Delete", 5], ["Save", 4]]];
const PATIENCE = 30_000;

async function until(condition, what) {
  const late = Date.now() + PATIENCE;
  while (!condition()) {
    if (Date.now() > late) throw new Error(`never: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function set(server, action) {
  const response = await fetch(`${servers[server]}/attendantservice/api/recording/set`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ Action: action, RequesterSipUri: "sip:agent@domain.com", CorrelationId: id, UCCName: "ucc-demo-name" }),
  });
  const reply = await response.json();
  if (reply.ErrorMessage) throw new Error(reply.ErrorMessage.Message);
}

/** Notes which server has negotiated. */
class Negotiating extends DefaultHttpClient {
  constructor(listener) {
    super(NullLogger.instance);
    this.listener = listener;
  }
  async send(request) {
    const response = await super.send(request);
    if (/\/negotiate/.test(request.url)) this.listener.negotiated = JSON.parse(response.content).connectionToken.split(".")[0];
    return response;
  }
}

async function listen(transport) {
  const listener = { transport, came: [], reconnected: 0, ended: undefined };
  listener.hub = new HubConnectionBuilder()
    .withUrl(`${proxy}/attendantservice/hubs/recording`, {
      transport: HttpTransportType[transport],
      accessTokenFactory: () => "secret-of-the-test",
      httpClient: new Negotiating(listener),
    })
    .withAutomaticReconnect(Array(100).fill(200))
    .configureLogging(LogLevel.None)
    .build();
  listener.hub.on("RecordingStateChangedEvent", (event) => void listener.came.push(event.StateAction));
  listener.hub.onreconnected(() => void (listener.reconnected += 1));
  listener.hub.onclose((error) => void (listener.ended = `${error}`));
  await listener.hub.start();
  return listener;
}

let round = 0;

/** Which server each listener is at: it hears each event of that one and none of another. */
async function whereabouts(listeners, running) {
  listeners.forEach((listener) => (listener.came.length = 0));
  const at = listeners.map(() => undefined);
  for (let twice = 0; twice < 2; twice += 1) {
    for (const server of running) await set(server, DONE[server][round % 2][0]);
    round += 1;
    await until(() => listeners.every(({ came }) => came.length > twice),
      () => JSON.stringify(listeners.map(({ transport, negotiated, came, ended }) => [transport, negotiated, came, ended])));
  }
  for (const [number, { came, transport }] of listeners.entries()) {
    const server = running.find((server) => DONE[server].every(([, code]) => came.includes(code)));
    if (came.length !== 2 || server === undefined) throw new Error(`${transport}: ${came}`);
    at[number] = NAMES[server];
  }
  return at;
}

try {
  const all = [];
  for (const transport of ["WebSockets", "ServerSentEvents", "LongPolling"]) {
    const listeners = [];
    let elsewhere = 0;
    while (listeners.length < 6 || (transport === "WebSockets" && elsewhere === 0 && listeners.length < 24)) {
      listeners.push(await listen(transport));
      if (listeners.length < 6) continue;
      const at = await whereabouts(listeners, [0, 1, 2]);
      elsewhere = listeners.filter(({ negotiated }, number) => negotiated !== at[number]).length;
    }
    const negotiated = new Set(listeners.map(({ negotiated }) => negotiated));
    if (negotiated.size < 2 || ![...negotiated].every((name) => NAMES.includes(name))) {
      throw new Error(`${transport}: negotiated by ${[...negotiated]}`);
    }
    const isWebSocket = transport === "WebSockets";
    if (isWebSocket !== elsewhere > 0) throw new Error(`${transport}: ${elsewhere} of ${listeners.length} at another server`);
    console.log(`    ${transport}: ${elsewhere} of ${listeners.length} at another server than the one that negotiated`);
    all.push(...listeners);
  }
  if (pid !== "0") {
    const at = await whereabouts(all, [0, 1, 2]);
    const lost = all.filter((_, number) => at[number] === "a");
    process.kill(Number(pid), "SIGKILL");
    await until(() => lost.every(({ reconnected }) => reconnected > 0),
      () => `back: ${JSON.stringify(lost.map(({ transport, reconnected, ended }) => [transport, reconnected, ended]))}`);
    await whereabouts(all, [1, 2]);
    const others = all.filter((listener) => !lost.includes(listener) && listener.reconnected > 0);
    if (lost.length === 0 || others.length > 0) throw new Error(`${lost.length} lost, ${others.length} others came back`);
    console.log(`    ${lost.length} of ${all.length} listeners lost their server and came back to the others`);
  }
  await Promise.all(all.map(({ hub }) => hub.stop()));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
