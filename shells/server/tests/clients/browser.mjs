// @microsoft/signalr in headless Chromium, on a page of the server's own origin.
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { Server, UCC, equal, event, listens, test, until } from "./harness.mjs";
import { TRANSPORTS } from "./javascript.mjs";

const SCRIPTS = [
    "node_modules/@microsoft/signalr/dist/browser/signalr.js",
    "node_modules/@microsoft/signalr-protocol-msgpack/dist/browser/signalr-protocol-msgpack.js",
];

/** Starts the browser that all pages share. */
export function launch() {
    return chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
}

/**
 * A page with the clients in it. The document is one that the server really sends, whatever it says: browsers keep pages
 * that came from nowhere from WebSockets to this machine.
 */
export async function page(browser, origin) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${origin}/attendantservice/api/recording/capabilities/${UCC}`);
    for (const script of SCRIPTS) await page.addScriptTag({ content: await readFile(script, "utf8") });
    return page;
}

/** Connects in a page; gives a listener. */
export async function listener(page, url, transport, binary) {
    const client = { events: [], closed: 0 };
    await page.exposeFunction("heard", (event) => client.events.push(event));
    await page.exposeFunction("closed", () => (client.closed += 1));
    await page.evaluate(async ([url, transport, binary]) => {
        let builder = new signalR.HubConnectionBuilder()
            .withUrl(url, { transport })
            .configureLogging(signalR.LogLevel.None);
        if (binary) builder = builder.withHubProtocol(new signalR.protocols.msgpack.MessagePackHubProtocol());
        window.hub = builder.build();
        // One after the other: the page reports events in the order in which they come.
        window.told = Promise.resolve();
        window.hub.on("RecordingStateChangedEvent", (event) => {
            window.told = window.told.then(() => window.heard(event));
        });
        window.hub.onclose(() => window.closed());
        await window.hub.start();
    }, [url, TRANSPORTS[transport], binary]);
    client.call = (...call) => page.evaluate(async (call) => {
        const error = await window.hub.invoke(...call).then(() => null, (error) => error.message);
        await window.told;
        return error;
    }, call);
    return client;
}

export async function browser() {
    const browser = await launch();
    const each = (transport, binary) =>
        test(`Chromium, ${transport}, ${binary ? "MessagePack" : "JSON"}`, async (after) => {
            const server = await Server.start();
            after(() => server.end());
            const tab = await page(browser, server.api);
            after(() => tab.context().close());
            await listens(server, await listener(tab, server.hub, transport, binary));
        });
    await Promise.all([
        each("WebSockets", false),
        each("WebSockets", true),
        each("ServerSentEvents", false),
        each("LongPolling", false),
        each("LongPolling", true),
        ...Object.keys(TRANSPORTS).map((transport) =>
            test(`Chromium, a page of a listed origin, ${transport}`, async (after) => {
                const other = await Server.start();
                after(() => other.end());
                const server = await Server.start(["--cors-origin", other.api]);
                after(() => server.end());
                const tab = await page(browser, other.api);
                after(() => tab.context().close());
                await listens(server, await listener(tab, server.hub, transport, false));
            })),
        test("Chromium, a page of another origin may not listen", async (after) => {
            const [server, other] = [await Server.start(), await Server.start()];
            after(() => Promise.all([server.end(), other.end()]));
            const tab = await page(browser, other.api);
            after(() => tab.context().close());
            const socket = await tab.evaluate((url) => new Promise((resolve) => {
                const socket = new WebSocket(url);
                socket.onopen = () => resolve("open");
                socket.onerror = () => resolve("refused");
            }), server.hub.replace("http", "ws"));
            equal(socket, "refused", "a WebSocket");
            const start = await listener(tab, server.hub, "LongPolling", false).then(() => "open", () => "refused");
            equal(start, "refused", "long polling");
            // No handler listens.
            await server.set(3);
        }),
    ]);
    await browser.close();
}

/** For a listener that is idle: one that is there until the end of the process. */
export async function idle(server) {
    const browser = await launch();
    const tab = await page(browser, server.api);
    const client = await listener(tab, server.hub, "WebSockets", false);
    return { client, close: () => browser.close(), hears: (action) => until(
        () => JSON.stringify(client.events.at(-1)) === JSON.stringify(event(action)), `event ${action} in Chromium`) };
}
