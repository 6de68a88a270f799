// A server of its own for each test that needs one, requests to it, and the count of what held.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export const HUB = "/attendantservice/hubs/recording";
export const EVENT = "RecordingStateChangedEvent";
export const UCC = "ucc-demo-name";
export const SESSION = "1d6c6a58-6739-4f0c-98ff-0968292c8c30";

// Nothing takes longer, unless it hangs.
const PATIENCE = 60_000;

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let passed = 0;
const failed = [];
const only = process.argv[2];

// How many tests run at once: more would only wait for each other, and clients have times of their own.
let free = 6;
const waiting = [];

/**
 * Runs a test; a test that fails, or hangs, does not hold up the others. One that `waits` most of its time runs next to
 * them.
 */
export async function test(name, body, { patience = PATIENCE, waits = false } = {}) {
    if (only && !name.includes(only)) return;
    if (!waits) {
        if (free === 0) await new Promise((resolve) => waiting.push(resolve));
        else free -= 1;
    }
    await run(name, body, patience);
    if (!waits) {
        if (waiting.length > 0) waiting.shift()();
        else free += 1;
    }
}

async function run(name, body, patience) {
    const began = Date.now();
    const cleanUp = [];
    let timer;
    try {
        const timedOut = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error("it hangs")), patience);
        });
        await Promise.race([body((undo) => cleanUp.push(undo)), timedOut]);
        passed += 1;
        console.log(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
        failed.push(name);
        console.log(`FAILED  ${name}\n        ${error.stack ?? error}`);
    } finally {
        clearTimeout(timer);
        for (const undo of cleanUp.reverse()) await Promise.resolve(undo()).catch(() => {});
    }
}

/** Says how many held; gives the exit code. */
export function report() {
    console.log(`${passed} passed, ${failed.length} failed`);
    // That nothing ran is no success.
    return failed.length === 0 && passed > 0 ? 0 : 1;
}

export function equal(found, expected, what = "") {
    const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
    if (left !== right) throw new Error(`${what}\n        found    ${left}\n        expected ${right}`);
}

export async function until(condition, what) {
    const began = Date.now();
    while (!(await condition())) {
        if (Date.now() - began > PATIENCE) throw new Error(`never: ${typeof what === "function" ? what() : what}`);
        await sleep(20);
    }
}

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a program whose end is ours to bring about. */
export function start(command, args, options = {}) {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], ...options });
    running.add(child);
    child.gone = once(child, "exit").then(([code, signal]) => {
        running.delete(child);
        return { code, signal };
    });
    return child;
}

/** A recording-server with the demo world. */
export class Server {
    /** `port` 0 takes a free one; `options` are those of its process. */
    static async start(args = [], port = 0, options = {}) {
        const server = new Server();
        const listen = ["--listen", `127.0.0.1:${port}`, "--admin", "127.0.0.1:0", "--log", "error"];
        server.child = start(process.env.SERVER, [...listen, ...args], options);
        server.args = args;
        for await (const line of createInterface({ input: server.child.stdout })) {
            const [name, url] = line.trim().split(/\s+/);
            if (name === "API") server.api = url;
            if (name === "admin") {
                server.admin = url;
                break;
            }
        }
        if (!server.admin) throw new Error("the server did not start");
        server.child.stdout.resume();
        server.hub = server.api + HUB;
        return server;
    }

    /** Ends it; gives how. */
    async end(signal = "SIGTERM") {
        this.child.kill(signal);
        return this.child.gone;
    }

    /** Another one on the same port. */
    async again() {
        return Server.start(this.args, new URL(this.api).port);
    }

    async set(action, session = SESSION) {
        const body = { Action: action, RequesterSipUri: "sip:agent@domain.com", CorrelationId: session, UCCName: UCC };
        const response = await fetch(`${this.api}/attendantservice/api/recording/set`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
        });
        const reply = await response.json();
        if (response.status !== 200 || reply.ErrorMessage) throw new Error(`set ${action}: ${JSON.stringify(reply)}`);
    }

    async begin(session) {
        const response = await fetch(`${this.admin}/sessions/${UCC}/${session}`, { method: "PUT" });
        if (response.status !== 201) throw new Error(`begin: ${response.status}`);
    }
}

/** The event of an action. */
export const event = (action, session = SESSION) => ({ UccName: UCC, CorrelationId: session, StateAction: action });

/** Changes that all succeed, in the demo's session as it is at the start and as they leave it. */
export const CHANGES = [3, 1, 6, 7, 4, 5, 2, 1];

/** A session of this number. */
export const session = (number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

/**
 * What is expected of every client that is connected to a server of its own.
 *
 * `client` has `events`, which grows, and `call(method, ...arguments)`, which gives the error or null.
 */
export async function listens(server, client, { shape = (event) => event, oneByOne = false } = {}) {
    for (const [number, action] of CHANGES.entries()) {
        await server.set(action);
        if (oneByOne) await until(() => client.events.length > number, `event ${number}`);
    }
    await until(() => client.events.length >= CHANGES.length, () => `events: ${JSON.stringify(client.events)}`);
    equal(client.events, CHANGES.map((action) => shape(event(action))), "events in their order");
    client.events.length = 0;

    equal(await client.call("Nothing"), "Unknown hub method 'Nothing'", "an unknown method");
    const bad = "Failed to invoke 'Subscribe' due to an error on the server.";
    equal(await client.call("Subscribe", 7), bad, "a bad argument");
    equal(await client.call("Subscribe", "another"), null, "Subscribe");
    await server.set(6);
    // A reply does not wait for its event, which is on its way to the listeners for a moment.
    await new Promise((done) => setTimeout(done, 300));
    equal(await client.call("Subscribe", UCC), null, "Subscribe");
    await server.set(7);
    await until(() => client.events.length > 0, "an event of what was subscribed to");
    equal(client.events, [shape(event(7))], "only what was subscribed to");
    equal(await client.call("Unsubscribe", UCC), null, "Unsubscribe");
    await server.set(6);
    // The answer to a call comes after everything that was published before it.
    equal(await client.call("Nothing"), "Unknown hub method 'Nothing'");
    equal(client.events.length, 1, "events after Unsubscribe");
    await server.set(7);
    client.events.length = 0;
}
