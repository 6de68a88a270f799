// @microsoft/signalr in Node: each transport, both protocols.
import * as signalR from "@microsoft/signalr";
import WebSocket from "ws";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { EVENT, Server, equal, event, listens, session, test, until } from "./harness.mjs";

export const TRANSPORTS = {
    WebSockets: signalR.HttpTransportType.WebSockets,
    ServerSentEvents: signalR.HttpTransportType.ServerSentEvents,
    LongPolling: signalR.HttpTransportType.LongPolling,
};

/** A client; not yet started. */
export function client(url, transport, { binary = false, options = {}, build = (builder) => builder } = {}) {
    let builder = new signalR.HubConnectionBuilder()
        .withUrl(url, { transport: TRANSPORTS[transport], ...options })
        .configureLogging(signalR.LogLevel.None);
    if (binary) builder = builder.withHubProtocol(new MessagePackHubProtocol());
    const connection = build(builder).build();
    const events = [];
    connection.on(EVENT, (event) => {
        events.push(event);
    });
    const call = (...call) => connection.invoke(...call).then(() => null, (error) => error.message);
    return { connection, events, call };
}

async function each(transport, binary, options) {
    const server = await Server.start();
    try {
        const listener = client(server.hub, transport, { binary, options });
        await listener.connection.start();
        await listens(server, listener);
        await listener.connection.stop();
    } finally {
        await server.end();
    }
}

export async function javascript() {
    const tests = [];
    for (const transport of Object.keys(TRANSPORTS)) {
        tests.push(test(`Node, ${transport}, JSON`, () => each(transport, false)));
        if (transport !== "ServerSentEvents") {
            tests.push(test(`Node, ${transport}, MessagePack`, () => each(transport, true)));
        }
    }
    const skip = { skipNegotiation: true };
    tests.push(test("Node, WebSockets without negotiation", () => each("WebSockets", false, skip)));
    tests.push(
        test("Node, MessagePack over ServerSentEvents is not offered", async (after) => {
            const server = await Server.start();
            after(() => server.end());
            const { connection } = client(server.hub, "ServerSentEvents", { binary: true });
            const error = await connection.start().then(() => "it started", (error) => error.message);
            equal(error.includes("'ServerSentEvents' does not support Binary"), true, error);
        }),
        test("Node, stateful reconnect is declined and the client goes on", async (after) => {
            const server = await Server.start();
            after(() => server.end());
            const listener = client(server.hub, "WebSockets", { build: (builder) => builder.withStatefulReconnect() });
            await listener.connection.start();
            after(() => listener.connection.stop());
            await listens(server, listener);
        }),
        ...Object.keys(TRANSPORTS).map((transport) =>
            test(`Node, ${transport}, with a slash at the end of the address`, async (after) => {
                const server = await Server.start();
                after(() => server.end());
                const listener = client(`${server.hub}/`, transport);
                await listener.connection.start();
                after(() => listener.connection.stop());
                await listens(server, listener);
            })),
        test("Node, a Close of a WebSocket is answered with its own code", async (after) => {
            const server = await Server.start();
            after(() => server.end());
            for (const code of [undefined, 1000, 4000]) {
                const socket = new WebSocket(server.hub.replace("http", "ws"));
                await new Promise((opened, failed) => Object.assign(socket, { onopen: opened, onerror: failed }));
                const closed = new Promise((closed) => (socket.onclose = closed));
                socket.close(code);
                // 1005: the Close had no code. 1006 would be: there was none.
                equal((await closed).code, code ?? 1005);
            }
        }),
        test("Node, --event-case camel", async (after) => {
            const server = await Server.start(["--event-case", "camel"]);
            after(() => server.end());
            const camel = ({ UccName, CorrelationId, StateAction }) =>
                ({ uccName: UccName, correlationId: CorrelationId, stateAction: StateAction });
            for (const [binary, shape] of [[false, camel], [true, (event) => event]]) {
                const listener = client(server.hub, "WebSockets", { binary });
                await listener.connection.start();
                await listens(server, listener, { shape });
                await listener.connection.stop();
            }
        }),
        test("Node, the order of each session's events among 8 clients that change 32 of them", order),
    );
    await Promise.all(tests);
}

async function order(after) {
    const [writers, each, rounds] = [8, 4, 20];
    const server = await Server.start();
    after(() => server.end());
    const listeners = Object.keys(TRANSPORTS).map((transport) => client(server.hub, transport));
    for (const { connection } of listeners) {
        await connection.start();
        after(() => connection.stop());
    }
    const sessions = [...Array(writers * each).keys()].map(session);
    await Promise.all(sessions.map((id) => server.begin(id)));
    const changes = [];
    for (let writer = 0; writer < writers; writer += 1) {
        changes.push((async () => {
            for (let round = 0; round < rounds; round += 1) {
                const mine = sessions.slice(writer * each, (writer + 1) * each);
                // Each session is changed by its own writer, so the order of its changes is known.
                await Promise.all(mine.map((id) => server.set(6 + (round % 2), id)));
            }
        })());
    }
    await Promise.all(changes);
    const all = sessions.length * rounds;
    for (const { events } of listeners) {
        await until(() => events.length >= all, () => `${events.length} of ${all} events`);
        equal(events.length, all);
        for (const id of sessions) {
            const found = events.filter((event) => event.CorrelationId === id);
            equal(found, [...Array(rounds).keys()].map((round) => event(6 + (round % 2), id)), id);
        }
    }
}
