// A server of its own, a browser of its own, and what a test wants of both.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const binary = process.env.RECORDING_SERVER ?? join(root, "target/debug/recording-server");
export const screenshots = join(root, "target/console");
mkdirSync(screenshots, { recursive: true });

const ucc = (name, canEdit, agents, more = "") => `[[ucc]]
name = ${JSON.stringify(name)}
recording_api_licensed = true
use_audio_recording = true
agent_can_edit_audio_recording = ${canEdit}
save_recording_by_default = true
repeats = "accept"
agents = ${JSON.stringify(agents)}
${more}
`;

export const AGENT = "sip:agent@domain.com";
export const UCC = "ucc-demo-name";
export const OTHER = "Größe & Co";

/** A server that can be stopped and started again at the same addresses. */
export class Server {
  #directory = mkdtempSync(join(tmpdir(), "recording-console-"));
  #child;
  api;
  admin;
  #options;

  constructor(...options) {
    this.#options = options.filter((one) => typeof one === "string");
    // An object is a further UCC, or a recorder with its address.
    const objects = options.filter((one) => typeof one === "object");
    const further = objects.map((one) =>
      one.url ? `[[recorder]]\nname = ${JSON.stringify(one.name)}\nkind = "http"\nurl = "${one.url}"\n` : ucc(one.name, true, one.agents, one.more),
    );
    const world = [...further, ucc(UCC, true, [AGENT, "sip:terminal@domain.com"]), ucc(OTHER, true, [AGENT]), ucc("closed", false, [AGENT])];
    writeFileSync(join(this.#directory, "world.toml"), world.join("\n"));
  }

  /** A new token, and its line for a file of tokens. */
  static makeToken() {
    const lines = execFileSync(binary, ["--make-token", "console"], { encoding: "utf8" }).split("\n");
    const line = lines.find((one) => /^console\s+[0-9a-f]{64}/.test(one.trim()));
    const token = lines.filter((one) => one !== line).join(" ").split(/\s+/).find((word) => word.length > 30);
    return { line, token };
  }

  /** A file with this text. */
  static file(text) {
    const path = join(mkdtempSync(join(tmpdir(), "recording-console-")), "file");
    writeFileSync(path, `${text}\n`);
    return path;
  }

  async start() {
    const address = (known) => known?.replace("http://", "") ?? "127.0.0.1:0";
    const config = ["--config", join(this.#directory, "world.toml"), "--store", "memory"];
    const listen = ["--listen", address(this.api), "--admin", address(this.admin)];
    this.#child = spawn(binary, [...listen, ...config, ...this.#options]);
    let log = "";
    const [api, admin] = await new Promise((resolve, reject) => {
      this.#child.stderr.on("data", (data) => {
        log += data;
        const listening = /api=(\S+) admin=(\S+)/.exec(log);
        if (listening) resolve(listening.slice(1));
      });
      this.#child.on("exit", () => reject(new Error(`the server ended: ${log}`)));
    });
    [this.api, this.admin] = [`http://${api}`, `http://${admin}`];
    return this;
  }

  async stop() {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await ended;
  }

  async close() {
    await this.stop();
    rmSync(this.#directory, { recursive: true });
  }

  async begin(name, id, state) {
    const body = state && JSON.stringify(state);
    const response = await fetch(`${this.admin}/sessions/${encodeURIComponent(name)}/${id}`, { method: "PUT", body });
    if (!response.ok) throw new Error(`begin: ${response.status}`);
  }

  /** What a payment system does, on the API's own port. */
  async set(name, id, action) {
    const response = await fetch(`${this.api}/attendantservice/api/recording/set`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ Action: action, RequesterSipUri: AGENT, CorrelationId: id, UCCName: name }),
    });
    return response.json();
  }

  async state(name, id) {
    const path = `/attendantservice/api/recording/${encodeURIComponent(name)}/${id}`;
    return (await fetch(this.api + path)).json();
  }
}

async function browser() {
  const found = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const executablePath = found.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("there is no Chromium: install Debian's chromium, or name one in CHROMIUM");
  const args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
  return chromium.launch({ executablePath, args: [...args, "--disable-component-update", "--disable-sync"] });
}

/** One server and one browser for all tests of a file. */
export function world(...options) {
  const all = {};
  before(async () => {
    all.server = await new Server(...options).start();
    all.chromium = await browser();
  });
  after(async () => {
    await all.chromium.close();
    await all.server.close();
  });
  return all;
}

/** A page of the console that notes every request to elsewhere and everything the browser complains of. */
export async function open(chromium, server, options = {}) {
  const context = await chromium.newContext({ viewport: { width: 1360, height: 800 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const seen = { complaints: [], elsewhere: [] };
  const host = new URL(server.admin).host;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== host) seen.elsewhere.push(request.url());
  });
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== host) seen.elsewhere.push(socket.url());
  });
  await page.goto(server.admin);
  return { page, seen, close: () => context.close() };
}

export const session = (page, id) => page.locator("li.session", { hasText: id });
export const state = (row, axis) => row.locator("dd").nth(["recorder", "mark", "keep"].indexOf(axis));

/** Presses a button of a row, and says yes if the page asks. */
export async function press(page, row, action) {
  const before = await row.locator(".message").textContent();
  await row.getByRole("button", { name: action, exact: true }).click();
  const yes = page.locator("dialog#confirm[open] #confirm-yes");
  const asked = await yes.isVisible();
  if (asked) await yes.click();
  return { asked, before };
}

export async function actAs(page, name, agent) {
  await page.getByLabel("UCC", { exact: true }).selectOption(name);
  await page.getByLabel("Act as").selectOption(agent);
}
