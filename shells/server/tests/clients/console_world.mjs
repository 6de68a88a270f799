// A server with a recorder of its own, a page of its console, and what looks at that page.
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Server, equal } from "./harness.mjs";
import { Recorder } from "./recorder.mjs";

const EYES = fileURLToPath(new URL("eyes.js", import.meta.url));

export const PAYMENTS = "payments";
export const SUPPORT = "support";
export const LONG = "Zahlung & Inkasso, Kundendienst Nord-West, zweite Warteschlange";
export const [ANNA, BERT] = ["sip:anna@contact-centre.example", "sip:bert@contact-centre.example"];
export const CALLS = {
    started: "0b7e4f52-93a1-4c0d-8a57-2f1c6be0d941",
    overdue: "2d40c8aa-5e17-4b83-9c36-71d9f0a8e205",
    unconfirmed: "5c91e3d7-08f4-4d6a-b2e8-c3f57a1094bb",
    held: "81fa6b03-c7d2-49e5-a041-5be2d86f7c13",
    stopped: "a63d0e98-14bc-4f72-8de5-90c7b4312fa6",
    closing: "e0927f41-6ab8-4c35-97d0-1d84f6c2b53e",
};
/** How long a pause may last; the scenes before the one with a fresh pause take as long. */
export const LIMIT = 12;
const STATES = ["Uninitialized", "Started", "Stopped", "Paused"];

const ucc = (name, agents, more = "") => `[[ucc]]
name = ${JSON.stringify(name)}
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = true
save_recording_by_default = true
repeats = "accept"
agents = ${JSON.stringify(agents)}
${more}
`;

/** A server with a recorder of its own, and requests to it. */
export async function world(after) {
    const recorder = await Recorder.start();
    after(() => recorder.end().catch(() => {}));
    const config = join(tmpdir(), `console-${process.pid}-${recorder.port}.toml`);
    after(() => rm(config, { force: true }));
    await writeFile(config, [
        `[[recorder]]\nname = "proxy-1"\nkind = "http"\nurl = "${recorder.url}"\ngive_up_ms = 500\n`,
        ucc(PAYMENTS, [ANNA, BERT], `recorder = "proxy-1"\nresume = "holders"\npause_limit_seconds = ${LIMIT}`),
        ucc(SUPPORT, [ANNA]),
        ucc(LONG, [ANNA]),
    ].join("\n"));
    const server = await Server.start(["--config", config, "--store", "memory", "--recorder-wait", "500", "--rate", "off"]);
    after(() => server.end("SIGKILL"));
    const path = (name, id) => `${server.admin}/sessions/${encodeURIComponent(name)}/${id}`;
    return {
        server,
        recorder,
        async begin(name, id, state = {}) {
            const body = JSON.stringify({ RecordingState: 1, MarkingState: 0, SavingState: 0, ...state });
            const { status } = await fetch(path(name, id), { method: "PUT", body });
            equal(status, 201, `begin ${id}`);
        },
        async set(name, id, action, agent = ANNA) {
            const body = JSON.stringify({ Action: action, RequesterSipUri: agent, CorrelationId: id, UCCName: name });
            const headers = { "content-type": "application/json" };
            await fetch(`${server.api}/attendantservice/api/recording/set`, { method: "POST", headers, body });
        },
        end: (name, id) => fetch(path(name, id), { method: "DELETE" }),
        sessions: async () => (await fetch(`${server.admin}/sessions`)).json(),
    };
}

/** A page of the console, and what the browser complains of. */
export async function open(browser, { server }, { before, ...options } = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
    context.setDefaultTimeout(30_000);
    await context.addInitScript({ path: EYES });
    if (before) await context.addInitScript(before);
    const page = await context.newPage();
    const complaints = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(server.admin);
    await page.locator('#connection[data-state="live"]').waitFor();
    return { page, complaints };
}

export async function actAs(page, name, agent) {
    await page.getByLabel("UCC", { exact: true }).selectOption(name);
    await page.getByLabel("Act as").selectOption(agent);
}
export const row = (page, id) => page.locator("li.session", { hasText: id });

/** Everything that is wrong with what the page shows now, by what looks for it. */
export async function wrongs(page, { sessions, complaints = [], tries = 20 } = {}) {
    // What depends on a width is said a frame after it.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const found = await page.evaluate(() => ({
        wide: eyes.wide(),
        contrast: eyes.contrast(),
        cut: eyes.cut(),
        overlapping: eyes.overlapping(),
        "by colour alone": eyes.byColourAlone(),
        forbidden: eyes.forbidden(),
    }));
    found.complaints = complaints;
    // The page may be a moment older than the server's answer.
    for (let left = sessions ? tries : 0; left > 0; left -= 1) {
        found.unconfirmed = await page.evaluate(([all, states]) => eyes.unconfirmed(all, states), [await sessions(), STATES]);
        if (found.unconfirmed.length === 0) break;
        await page.waitForTimeout(200);
    }
    return Object.fromEntries(Object.entries(found).filter(([, wrong]) => wrong.length > 0));
}
