// signalrcore and pysignalr, each a process that takes commands line by line.
import { createInterface } from "node:readline";
import { Server, listens, start, test, until } from "./harness.mjs";

/** A listener in Python, connected. */
export async function listener(script, ...args) {
    const child = start(process.env.PYTHON, ["-u", script, ...args]);
    const client = { child, events: [], opened: 0, closed: 0, answers: [], url: undefined, over: false };
    createInterface({ input: child.stdout }).on("line", (line) => {
        const said = JSON.parse(line);
        if (said.is === "open") {
            client.opened += 1;
            client.url = said.url;
        }
        else if (said.is === "closed") client.closed += 1;
        else if (said.is === "event") client.events.push(...said.arguments);
        else if (said.is === "answer") client.answers.push(said.error);
        else if (said.is === "over") client.over = true;
        else throw new Error(line);
    });
    client.say = (command) => child.stdin.write(`${JSON.stringify(command)}\n`);
    client.call = async (...call) => {
        const before = client.answers.length;
        client.say(call);
        await until(() => client.answers.length > before, `an answer to ${call}`);
        return client.answers[before];
    };
    client.stop = async () => {
        child.kill("SIGKILL");
        await child.gone;
    };
    await until(() => client.opened > 0 || child.exitCode !== null, `${script} ${args} opens`);
    if (!client.opened) throw new Error(`${script} ended with code ${child.exitCode}`);
    return client;
}

// Not among them: signalrcore with MessagePack over long polling. It parts what it polls at the bytes 0x1e, whatever the
// protocol, and so cannot speak it with any server.
export const SCRIPTS = [
    ["signalrcore_client.py", "web_sockets", "text"],
    ["signalrcore_client.py", "web_sockets", "binary"],
    ["signalrcore_client.py", "server_sent_events", "text"],
    ["signalrcore_client.py", "long_polling", "text"],
    ["pysignalr_client.py", "text"],
    ["pysignalr_client.py", "binary"],
];

export async function python() {
    await Promise.all(SCRIPTS.map(([script, ...args]) =>
        test(`Python, ${script.replace(/(_client)?\.py/, "")}, ${args.join(", ")}`, async (after) => {
            const server = await Server.start();
            after(() => server.end());
            const client = await listener(script, server.hub, ...args);
            after(() => client.stop());
            // Of several records in one answer to a poll signalrcore takes one, and keeps the others for the next answer.
            await listens(server, client, { oneByOne: args[0] === "long_polling" });
        })));
}
