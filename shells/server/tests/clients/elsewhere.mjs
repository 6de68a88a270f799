// Clients whose id opens nothing at the server that they reach: it was negotiated at another one, or is left of a connection
// that has ended.
import { connect, createServer } from "node:net";
import { Server, equal, event, listens, test, until } from "./harness.mjs";
import { client } from "./javascript.mjs";
import { SCRIPTS, listener } from "./python.mjs";

export async function elsewhere() {
    const scripts = SCRIPTS.filter(([script, ...args]) => script.startsWith("pysignalr") || args[0] === "web_sockets");
    await Promise.all([
        ...[false, true].map((binary) =>
            test(`Node, WebSockets${binary ? ", MessagePack" : ""}: negotiated at another server`, async (after) => {
                const { url, heard } = await two(after);
                const listening = client(url, "WebSockets", { binary });
                await listening.connection.start();
                after(() => listening.connection.stop());
                await heard(listening);
            })),
        ...scripts.map(([script, ...args]) =>
            test(`Python, ${script.replace("_client.py", "")}, ${args.join(", ")}: negotiated at another server`, async (after) => {
                const { url, heard } = await two(after);
                const listening = await listener(script, url, ...args);
                after(() => listening.stop());
                await heard(listening);
            })),
        ...["SIGTERM", "SIGKILL"].flatMap((signal) => [
            ...["text", "binary"].map((protocol) =>
                test(`Python, pysignalr, ${protocol}: back by itself with its old id after ${signal}`, (after) =>
                    comesBack(after, signal, ["pysignalr_client.py", protocol, "by_itself"]))),
            test(`Python, signalrcore: the same client started again after ${signal}`, (after) =>
                comesBack(after, signal, ["signalrcore_client.py", "web_sockets", "text", "same"])),
        ]),
    ]);
}

/** Two servers, and an address at which the first one negotiates and the second one serves everything else. */
async function two(after) {
    const [first, second] = [await Server.start(["--server-name", "a"]), await Server.start(["--server-name", "b"])];
    after(() => Promise.all([first.end(), second.end()]));
    const negotiations = [];
    const balancer = createServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", (begin) => {
            const negotiates = /^POST [^ ]*\/negotiate/.test(begin.toString("latin1"));
            if (negotiates) negotiations.push(begin);
            const { hostname, port } = new URL((negotiates ? first : second).api);
            const server = connect({ host: hostname, port });
            server.on("error", () => socket.destroy());
            server.write(begin);
            socket.pipe(server).pipe(socket);
        });
    });
    await new Promise((done) => balancer.listen(0, "127.0.0.1", done));
    after(() => balancer.close());
    const heard = async (listening) => {
        await listens(second, listening);
        equal(negotiations.length, 1, "negotiations at the first server");
    };
    return { url: second.hub.replace(new URL(second.api).port, balancer.address().port), heard };
}

async function comesBack(after, signal, [script, ...args]) {
    let server = await Server.start(["--server-name", "a"]);
    after(() => server.end("SIGKILL"));
    const one = await listener(script, server.hub, ...args);
    after(() => one.stop());
    const { opened, url } = one;
    // A program that is killed loses its sockets one after the other. Who is back between two of them is accepted and gets no
    // reply, and pysignalr gives up then: so the client notices only when all are gone.
    if (signal === "SIGKILL") one.child.kill("SIGSTOP");
    await server.end(signal);
    one.child.kill("SIGCONT");
    await until(() => one.closed > 0, "it learns that the connection is closed");
    // Under another name, as after a start without one.
    server.args = ["--server-name", "b"];
    server = await server.again();
    await until(() => one.opened > opened || one.over, "it is back");
    equal(one.over, false, "the client has given up");
    if (url !== undefined) {
        equal(one.url, url, "the address that it comes back to");
        equal(/[?&]id=a\./.test(url), true, url);
    }
    await server.set(3);
    await until(() => one.events.length > 0, "an event after the restart");
    equal(one.events, [event(3)]);
}
