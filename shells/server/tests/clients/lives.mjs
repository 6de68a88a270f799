// What becomes of connections: idleness, restarts, the server's end, slowness.
import { connect } from "node:net";
import { Server, UCC, equal, event, session, sleep, start, test, until } from "./harness.mjs";
import { idle as idleInBrowser } from "./browser.mjs";
import { TRANSPORTS, client } from "./javascript.mjs";
import { SCRIPTS, listener } from "./python.mjs";

// Again and again, for as long as a test may take: the client's own plan gives up after four tries.
const stubborn = (builder) => builder.withAutomaticReconnect(Array(200).fill(200));

export async function lives() {
    await Promise.all([
        test("idle for 40 s: every client is still there, and was all the time", idle, { patience: 120_000, waits: true }),
        ...Object.keys(TRANSPORTS).map((transport) =>
            test(`Node, ${transport}: back by itself after a restart`, (after) => restart(after, transport, "SIGTERM"))),
        test("Node, WebSockets: back by itself after the server was killed", (after) =>
            restart(after, "WebSockets", "SIGKILL")),
        ...[["signalrcore_client.py", "web_sockets", "text"], ["pysignalr_client.py", "text"]].map(([script, ...args]) =>
            test(`Python, ${script.replace("_client.py", "")}: back after a restart`, (after) =>
                restartPython(after, script, args))),
        test("each client learns of the server's end, which waits for none of them", end),
        test("a slow listener is sent away, and no other one notices", slow, { patience: 120_000 }),
    ]);
}

async function idle(after) {
    const server = await Server.start();
    after(() => server.end());
    const listeners = [];
    for (const transport of Object.keys(TRANSPORTS)) {
        const { connection, events } = client(server.hub, transport);
        const one = { name: transport, events, closed: 0 };
        connection.onclose(() => (one.closed += 1));
        await connection.start();
        after(() => connection.stop());
        listeners.push(one);
    }
    const others = await Promise.all(SCRIPTS.map(async ([script, ...args]) => {
        const one = await listener(script, server.hub, ...args);
        after(() => one.stop());
        return Object.assign(one, { name: `${script} ${args}` });
    }));
    const browser = await idleInBrowser(server);
    after(() => browser.close());
    listeners.push(...others, Object.assign(browser.client, { name: "Chromium" }));

    await sleep(40_000);
    await server.set(3);
    for (const { name, events, closed, opened } of listeners) {
        await until(() => events.length > 0, `an event for ${name}`);
        equal(events, [event(3)], name);
        equal([closed, opened ?? 1], [0, 1], `${name}: closed and opened`);
    }
}

async function restart(after, transport, signal) {
    let server = await Server.start();
    after(() => server.end("SIGKILL"));
    const { connection, events, call } = client(server.hub, transport, { build: stubborn });
    const seen = [];
    connection.onreconnecting(() => seen.push("reconnecting"));
    connection.onreconnected(() => seen.push("reconnected"));
    connection.onclose(() => seen.push("closed"));
    await connection.start();
    after(() => connection.stop());
    equal(await call("Subscribe", "another"), null);
    const { code } = await server.end(signal);
    equal(code, signal === "SIGTERM" ? 0 : null, "the server's exit code");
    await until(() => seen.includes("reconnecting"), "reconnecting");
    server = await server.again();
    await until(() => seen.includes("reconnected"), "reconnected");
    // What it had subscribed to is gone with the old connection.
    await server.set(3);
    await until(() => events.length > 0, "an event after the restart");
    equal(events, [event(3)]);
    equal(seen, ["reconnecting", "reconnected"]);
}

async function restartPython(after, script, args) {
    let server = await Server.start();
    after(() => server.end("SIGKILL"));
    const one = await listener(script, server.hub, ...args);
    after(() => one.stop());
    equal((await server.end()).code, 0, "the server's exit code");
    await until(() => one.closed > 0, "it learns that the connection is closed");
    const opened = one.opened;
    server = await server.again();
    await until(() => one.opened > opened, "it is back");
    await server.set(3);
    await until(() => one.events.length > 0, "an event after the restart");
    equal(one.events, [event(3)]);
}

async function end(after) {
    // If anyone were waited for, then for this long.
    const server = await Server.start(["--grace", "50"]);
    after(() => server.end("SIGKILL"));
    const closed = [];
    for (const binary of [false, true]) {
        for (const transport of Object.keys(TRANSPORTS)) {
            if (binary && transport === "ServerSentEvents") continue;
            const { connection } = client(server.hub, transport, { binary });
            await connection.start();
            // Without automatic reconnect a Close is the end.
            closed.push(new Promise((resolve) => connection.onclose(resolve)));
        }
    }
    // One that never answers anything.
    const deaf = await raw(server);
    after(() => deaf.destroy());
    const began = Date.now();
    equal((await server.end()).code, 0, "the exit code");
    const took = Date.now() - began;
    if (took > 25_000) throw new Error(`the end took ${took} ms`);
    await Promise.all(closed);
}

/** Changes all sessions, round after round, on one connection without waiting for each reply. */
async function flood(server, rounds, sessions) {
    const { hostname, port } = new URL(server.api);
    const socket = connect({ host: hostname, port });
    let replies = 0;
    let refused = 0;
    let rest = "";
    socket.on("data", (data) => {
        const parts = (rest + data.toString("latin1")).split("HTTP/1.1 ");
        rest = parts.pop();
        replies += parts.length;
        refused += parts.filter((part) => part && !part.includes('"ErrorMessage":null')).length;
    });
    for (let round = 0; round < rounds; round += 1) {
        const requests = sessions.map((id) => {
            const body = JSON.stringify({
                Action: 6 + (round % 2), RequesterSipUri: "sip:agent@domain.com", CorrelationId: id, UCCName: UCC,
            });
            return "POST /attendantservice/api/recording/set HTTP/1.1\r\nHost: localhost\r\n" +
                `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        });
        socket.write(requests.join(""));
        // The last reply of a round stays in the rest until the next one comes.
        await until(() => replies >= (round + 1) * sessions.length, () => `round ${round}: ${replies} replies`);
    }
    socket.destroy();
    equal(refused, 0, "changes that were refused");
}

/** A WebSocket that shakes hands and then does not read, with a small buffer on its side. */
async function raw(server) {
    const { hostname, port } = new URL(server.api);
    const socket = connect({ host: hostname, port, highWaterMark: 1024 });
    socket.on("error", () => {});
    const key = "dGhlIHNhbXBsZSBub25jZQ==";
    socket.write(`GET ${new URL(server.hub).pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
    const handshake = Buffer.from('{"protocol":"json","version":1}\x1e');
    // One frame, its text masked with zeros.
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | handshake.length, 0, 0, 0, 0]), handshake]));
    let received = "";
    socket.on("data", (data) => (received += data.toString("latin1")));
    await until(() => received.includes("{}\x1e"), "the handshake's answer");
    socket.removeAllListeners("data");
    socket.pause();
    return socket;
}

async function slow(after) {
    const server = await Server.start(["--rate", "off"]);
    after(() => server.end());
    const sessions = [...Array(503).keys()].map(session);
    await Promise.all(sessions.map((id) => server.begin(id)));
    const one = start(process.env.PYTHON, ["-u", "slow.py", server.hub]);
    after(() => one.kill("SIGKILL"));
    let said = "";
    one.stdout.on("data", (data) => (said += data));
    await until(() => said.includes("open\n"), "the slow listener opens");

    const good = client(server.hub, "WebSockets");
    await good.connection.start();
    after(() => good.connection.stop());
    // Far more than the queue and the buffers of the system take, which may be megabytes. Mark in one round and UnMark in
    // the next, so that each succeeds and a gap would show.
    const rounds = 60;
    const all = rounds * sessions.length;
    const times = [];
    let flooded = false;
    const flooding = flood(server, rounds, sessions).then(() => (flooded = true));
    // Meanwhile somebody else wants something, too.
    while (!flooded) {
        const began = performance.now();
        await fetch(`${server.api}/attendantservice/api/recording/capabilities/${UCC}`);
        times.push(performance.now() - began);
    }
    await flooding;
    await until(() => good.events.length >= all, () => `${good.events.length} of ${all} events`);
    equal(good.events.length, all, "events of the good listener");
    for (const id of sessions) {
        const found = good.events.filter((event) => event.CorrelationId === id).map((event) => event.StateAction);
        equal(found, [...Array(rounds).keys()].map((round) => 6 + (round % 2)), id);
    }
    times.sort((left, right) => left - right);
    console.log(`        ${all} changes next to a listener that reads nothing, ${times.length} requests meanwhile: median ` +
        `${times[times.length >> 1].toFixed(2)} ms, 99 % within ${times[Math.floor(0.99 * times.length)].toFixed(2)} ms`);

    one.stdin.write("read\n");
    await one.gone;
    const records = said.slice(said.indexOf("open\n") + 5).trim().split("\n").map((line) => JSON.parse(line));
    // It is ordered to reconnect if it reads in time; else it is cut, which says the same.
    const told = records.at(-1).type === 7;
    if (told) equal(records.at(-1), { type: 7, allowReconnect: true }, "the slow listener's last record");
    const heard = records.filter(({ type }) => type === 1).map((record) => record.arguments[0]);
    if (heard.length >= good.events.length) throw new Error("it was not slow");
    // Everybody hears the same in the same order.
    equal(heard, good.events.slice(0, heard.length), "what the slow listener heard");
    console.log(`        it heard ${heard.length} of them in order, and ${told ? "was ordered to reconnect" : "was cut"}`);
}
