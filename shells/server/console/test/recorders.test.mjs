// Sessions with a recorder: what is pending is never shown as reached, and can be let go.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";
import { actAs, AGENT, open, press, screenshots, session, state, world } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const OTHER = "sip:terminal@domain.com";
const ANYONE = "Payments";
const HELD = "Payments with holds";
const id = (number) => `${(number * 0x01010101).toString(16).padStart(8, "0")}-6739-4f0c-98ff-0968292c8c30`;
const started = { RecordingState: 1, MarkingState: 0, SavingState: 0 };

/** What the recorder does: obeys, answers nothing of use, or records. */
let mood = "obeys";
/** What it is doing, by call. */
const states = new Map();
const recorder = createServer((request, response) => {
  let body = "";
  request.on("data", (data) => (body += data));
  request.on("end", () => {
    const asked = new URL(request.url, "http://recorder").searchParams.get("CorrelationId");
    if (request.method === "GET" && asked === null) return response.writeHead(200).end();
    if (mood === "fails") return response.writeHead(500).end();
    const { CorrelationId, Order } = request.method === "GET" ? { CorrelationId: asked } : JSON.parse(body);
    const becomes = { Pause: "Paused", Stop: "Off", Record: "Recording" }[Order] ?? states.get(CorrelationId);
    if (becomes === undefined) return response.writeHead(404).end();
    const is = mood === "records" ? "Recording" : becomes;
    states.set(CorrelationId, is);
    response.writeHead(200).end(JSON.stringify({ RecorderState: is }));
  });
});
await new Promise((resolve) => recorder.listen(0, "127.0.0.1", resolve));
after(() => {
  recorder.closeAllConnections();
  recorder.close();
});
const of = (name, more) => ({ name, agents: [AGENT, OTHER], more });
const its = world(
  { name: "own", url: `http://127.0.0.1:${recorder.address().port}/orders` },
  { name: "away", url: "http://127.0.0.1:9/orders" },
  of(ANYONE, 'recorder = "own"\npause_limit_seconds = 2'),
  of(HELD, 'recorder = "own"\nresume = "holders"'),
  "--recorder-wait",
  "500",
);

/** Nothing that axe knows of is wrong, nothing is wider than the window, and nobody's text is cut off. */
async function check(page, name) {
  const found = await page.evaluate(`(async () => {
    ${axe};
    const rules = await axe.run(document, { resultTypes: ["violations"] });
    return rules.violations.map((rule) => [rule.id, rule.nodes.map((node) => node.html.slice(0, 200))]);
  })()`);
  assert.deepEqual(found, [], name);
  const [inner, needed] = await page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
  assert.ok(needed <= inner, `${name}: ${needed} pixels in ${inner}`);
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll("button, .recorder-line > *, .fate, .warnings li, .ucc, .id")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display === "block")
      .map((one) => one.textContent),
  );
  assert.deepEqual(cut, [], name);
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

async function end(name, number) {
  await fetch(`${its.server.admin}/sessions/${encodeURIComponent(name)}/${number}`, { method: "DELETE" });
}

test("what is pending is never shown as reached", async () => {
  mood = "obeys";
  await its.server.begin(ANYONE, id(1), started);
  const { page, close } = await open(its.chromium, its.server);
  await actAs(page, ANYONE, AGENT);
  const row = session(page, id(1));
  await row.getByText("Recorder own").waitFor();
  assert.equal(await row.locator(".pending").isVisible(), false);
  mood = "fails";
  await press(page, row, "Pause");
  await row.getByText("Pause is not done: Action:'Pause' is not confirmed by the recorder.").waitFor();
  await row.getByText(/^Pause not confirmed, sent [2-9] times: the recorder answered with status 500$/).waitFor();
  // The state is the one that is stored, and nobody is asked whether a Start is meant: nothing is paused.
  assert.equal(await state(row, "recorder").textContent(), "Started");
  const usable = async (name) => (await row.getByRole("button", { name, exact: true }).getAttribute("aria-disabled")) === null;
  // Both are possible: to ask again, and to end what is pending.
  assert.deepEqual([await usable("Pause"), await usable("Start"), await usable("Stop")], [true, true, true]);
  mood = "obeys";
  await state(row, "recorder").getByText("Paused").waitFor();
  await row.getByText(/silence last confirmed \d\d:\d\d:\d\d/).waitFor();
  await row.locator(".pending").waitFor({ state: "hidden" });
  await row.getByText(/^Overdue: paused for \d+ s$/).waitFor();
  // A recorder that does not answer a repeat, and one that records by itself.
  mood = "fails";
  await row.getByText(/^Silence not confirmed again, asked (once|\d+ times): /).waitFor();
  mood = "records";
  await row.getByText(/^Found recording at \d\d:\d\d:\d\d, not silent since$/).waitFor();
  assert.equal(await state(row, "recorder").textContent(), "Started");
  mood = "obeys";
  await state(row, "recorder").getByText("Paused").waitFor();
  await row.locator(".alarm").waitFor({ state: "hidden" });
  await end(ANYONE, id(1));
  await close();
});

test("holds are shown, and are ended only after a question", async () => {
  mood = "obeys";
  await its.server.begin(HELD, id(2), started);
  const { page, close } = await open(its.chromium, its.server);
  await actAs(page, HELD, OTHER);
  const row = session(page, id(2));
  await press(page, row, "Pause");
  await row.getByText(`held by ${OTHER}`).waitFor();
  await row.getByRole("button", { name: "End holds" }).click();
  await page.locator("dialog#confirm[open]").waitFor();
  await page.keyboard.press("Escape");
  await row.getByText("The end of holds was not sent.").waitFor();
  assert.ok(await row.getByText(`held by ${OTHER}`).isVisible());
  await row.getByRole("button", { name: "End holds" }).click();
  await page.locator("#confirm-yes").click();
  await row.getByText("The holds are ended.").waitFor();
  await row.getByRole("button", { name: "End holds" }).waitFor({ state: "hidden" });
  await end(HELD, id(2));
  await close();
});

test("a closing call is shown apart, and its recorder can be released", async () => {
  mood = "fails";
  await its.server.begin(ANYONE, id(3), started);
  await end(ANYONE, id(3));
  const { page, close } = await open(its.chromium, its.server);
  const row = page.locator("#closing-sessions li", { hasText: id(3) });
  await row.getByText("Ended; its recording is kept").waitFor();
  await row.getByText(/^Stop not confirmed, sent \d+ times: /).waitFor();
  assert.equal(await row.locator("dd").count(), 0);
  await page.getByText("No session is open.").waitFor();
  await row.getByRole("button", { name: "Release recorder" }).click();
  await page.locator("dialog#confirm[open]").waitFor();
  // A look at the list in between does not take the question back.
  await page.waitForTimeout(3500);
  await page.locator("#confirm-yes").click();
  await row.waitFor({ state: "detached" });
  assert.equal(await page.locator("#closing").isVisible(), false);
  await close();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [device, width, height] of [["desk", 1280, 800], ["phone", 360, 740]]) {
    test(`recorders: ${device}, ${colorScheme}`, async () => {
      mood = "obeys";
      for (const [name, number] of [[ANYONE, id(0x11)], [HELD, id(0x12)], [ANYONE, id(0x13)], [HELD, id(0x14)]]) {
        await its.server.begin(name, number, started);
      }
      await its.server.set(ANYONE, id(0x11), "Pause");
      await its.server.set(HELD, id(0x12), "Pause");
      mood = "fails";
      await its.server.set(ANYONE, id(0x13), "Pause");
      await end(HELD, id(0x14));
      const { page, close } = await open(its.chromium, its.server, { colorScheme, viewport: { width, height } });
      await page.getByText("Recorder away does not answer.").waitFor();
      await actAs(page, HELD, AGENT);
      await page.getByText(`held by ${AGENT}`).waitFor();
      await check(page, `recorders-${device}-${colorScheme}-held`);
      await page.getByLabel("UCC", { exact: true }).selectOption("");
      await page.getByText(/^Overdue: /).waitFor();
      await page.getByText(/^Pause not confirmed, sent [2-9] times/).waitFor();
      await page.locator("#closing-sessions li").waitFor();
      await check(page, `recorders-${device}-${colorScheme}`);
      for (const [name, number] of [[ANYONE, id(0x11)], [HELD, id(0x12)], [ANYONE, id(0x13)]]) await end(name, number);
      mood = "obeys";
      await page.getByText("No session is open.").waitFor();
      await page.locator("#closing-sessions li").waitFor({ state: "detached" });
      await close();
    });
  }
}
