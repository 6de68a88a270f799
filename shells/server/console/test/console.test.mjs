// The console in a real browser, in front of a real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actAs, AGENT, open, OTHER, press, Server, session, state, UCC, world } from "./world.mjs";

const PATIENCE = 20_000;
const id = (number) => `${number.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
const until = (locator, text) =>
  locator.filter({ hasText: text }).first().waitFor({ timeout: PATIENCE });

const its = world();

const live = (page) => page.locator('#connection[data-state="live"]').waitFor({ timeout: PATIENCE });

/** Holds back the answers of the server to requests like this, until told to let them go. */
async function hold(page, pattern) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route(pattern, async (route) => {
    await released;
    await route.continue();
  });
  return async () => {
    release();
    await page.unroute(pattern, { behavior: "wait" });
  };
}

test("a test call from its beginning to its end", async () => {
  const { page, seen, close } = await open(its.chromium, its.server);
  await live(page);
  await page.getByText("No session is open.").waitFor();
  // Nobody acts until somebody is chosen.
  assert.equal(await page.getByRole("button", { name: "Begin a test call" }).getAttribute("aria-disabled"), "true");
  await page.getByLabel("UCC", { exact: true }).selectOption(UCC);
  await page.getByText("Choose an agent to act as.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Begin a test call" }).getAttribute("aria-disabled"), "true");
  await actAs(page, UCC, AGENT);
  await page.getByRole("button", { name: "Begin a test call" }).click();
  const row = page.locator("li.session");
  await until(row, "This test call began.");
  const number = (await row.locator(".id").textContent()) ?? "";
  assert.match(number, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // Its recorder runs, so that it can be paused.
  const begun = await its.server.state(UCC, number);
  assert.deepEqual([begun.ErrorMessage, begun.RecordingState, begun.MarkingState, begun.SavingState], [null, 1, 0, 0]);

  const steps = [
    ["Pause", "recorder", "Paused", false],
    ["Start", "recorder", "Started", true],
    ["Mark", "mark", "Mark", false],
    ["Delete", "keep", "Delete", true],
    ["Save", "keep", "Save", false],
    ["Stop", "recorder", "Stopped", false],
    ["Start", "recorder", "Started", true],
    ["Stop", "recorder", "Stopped", false],
  ];
  for (const [action, axis, name, asks] of steps) {
    assert.equal((await press(page, row, action)).asked, asks, action);
    await until(state(row, axis), name);
    await until(row, `${action} is done.`);
    await until(page.locator("#events li").first(), action);
  }
  const stored = await its.server.state(UCC, number);
  assert.deepEqual([stored.RecordingState, stored.MarkingState, stored.SavingState], [2, 1, 1]);
  assert.equal(await page.locator("#events li").count(), steps.length);

  await row.getByRole("button", { name: "End" }).click();
  await page.getByText("No session is open.").or(page.getByText("No open session is like that.")).waitFor();
  await until(page.locator("#announcer"), "its recording is kept");
  assert.notEqual((await its.server.state(UCC, number)).ErrorMessage, null);
  assert.deepEqual(seen, { complaints: [], elsewhere: [] });
  await close();
});

test("buttons are what the core allows, in each of the 36 states", async () => {
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await actAs(page, OTHER, AGENT);
  const codes = { recorder: ["Start", "Stop", "Pause"], mark: ["Mark", "UnMark"], keep: ["Save", "Delete"] };
  let checked = 0;
  for (let number = 0; number < 36; number += 1) {
    const [r, m, s] = [Math.floor(number / 9), Math.floor(number / 3) % 3, number % 3];
    await its.server.begin(OTHER, id(number), { RecordingState: r, MarkingState: m, SavingState: s });
  }
  await page.locator("li.session").nth(35).waitFor({ timeout: PATIENCE });
  for (let number = 0; number < 36; number += 1) {
    const [r, m, s] = [Math.floor(number / 9), Math.floor(number / 3) % 3, number % 3];
    // As the table of the specification has it; an action that would change nothing is no button to press.
    const recorder = [["Start"], ["Pause", "Stop"], ["Start"], ["Start", "Stop"]][r];
    const usable = new Set([...recorder, ...codes.mark.filter((_, at) => at + 1 !== m), ...codes.keep.filter((_, at) => at + 1 !== s)]);
    const buttons = await session(page, id(number))
      .locator(".group button")
      .evaluateAll((all) => all.map((one) => [one.textContent, one.getAttribute("aria-disabled") !== "true"]));
    assert.equal(buttons.length, 7);
    for (const [name, isUsable] of buttons) assert.equal(isUsable, usable.has(name), `${number} ${name}`);
    checked += buttons.length;
  }
  assert.equal(checked, 252);
  // A UCC whose settings let nobody change anything has none.
  await its.server.begin("closed", id(99), { RecordingState: 1, MarkingState: 0, SavingState: 0 });
  await actAs(page, "closed", AGENT);
  const closed = session(page, id(99));
  await closed.waitFor();
  assert.equal(await closed.locator('.group button:not([aria-disabled="true"])').count(), 0);
  await page.getByText("The settings of this UCC let no agent change recordings.").waitFor();
  // Each of its buttons, and the one that begins a test call, says why.
  const titles = await closed.locator(".group button").evaluateAll((all) => all.map((one) => one.title));
  assert.deepEqual(titles, Array(7).fill("The settings of this UCC let no agent change recordings"));
  const begin = page.getByRole("button", { name: "Begin a test call" });
  assert.deepEqual([await begin.getAttribute("aria-disabled"), await begin.getAttribute("title")], ["true", titles[0]]);
  await close();
});

test("what others do is seen at once, and the focus stays where it is", async () => {
  const [mine, theirs] = [id(0x1000), id(0x1001)];
  const started = { RecordingState: 1, MarkingState: 0, SavingState: 0 };
  await its.server.begin(UCC, mine, started);
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await actAs(page, UCC, AGENT);
  const row = session(page, mine);
  const pause = row.getByRole("button", { name: "Pause" });
  await pause.focus();
  await its.server.set(UCC, mine, "Pause");
  await until(state(row, "recorder"), "Paused");
  await until(page.locator("#events li").first(), "Pause");
  await until(page.locator("#announcer"), "Pause");
  // The button cannot be used any more, and still has the focus.
  assert.equal(await pause.getAttribute("aria-disabled"), "true");
  assert.ok(await pause.evaluate((button) => button === document.activeElement));
  // Pressing it does nothing.
  await page.keyboard.press("Enter");
  // A session that begins elsewhere comes in, a session that ends goes, and the focus is not lost.
  await its.server.begin(UCC, theirs, started);
  await session(page, theirs).waitFor({ timeout: PATIENCE });
  assert.ok(await pause.evaluate((button) => button === document.activeElement));
  await fetch(`${its.server.admin}/sessions/${UCC}/${mine}`, { method: "DELETE" });
  await row.waitFor({ state: "detached", timeout: PATIENCE });
  assert.equal(await page.evaluate(() => document.activeElement?.id), "sessions-title");
  assert.equal(await page.locator("#events li").count(), 1);
  await close();
});

test("no success is told before the server's answer", async () => {
  const number = id(0x2000);
  await its.server.begin(UCC, number, { RecordingState: 1, MarkingState: 0, SavingState: 0 });
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await actAs(page, UCC, AGENT);
  const row = session(page, number);
  const release = await hold(page, "**/recording/set");
  await row.getByRole("button", { name: "Pause" }).click();
  await until(row, "Pause is asked for.");
  // The list is looked at meanwhile; nothing of it says that the recorder is paused.
  await page.waitForResponse("**/sessions?*");
  assert.match((await state(row, "recorder").textContent()) ?? "", /Started/);
  assert.doesNotMatch((await row.textContent()) ?? "", /done/);
  assert.equal(await row.locator('.group button:not([aria-disabled="true"])').count(), 0);
  await release();
  await until(row, "Pause is done.");
  await until(state(row, "recorder"), "Paused");

  // Refused: somebody else was faster. The page does not look again before it asks.
  await page.route("**/sessions?*", (route) => route.abort());
  await its.server.set(UCC, number, "Stop");
  await page.unroute("**/sessions?*");
  await until(state(row, "recorder"), "Stopped");

  // No answer: nobody knows.
  await page.route("**/recording/set", (route) => route.abort());
  await press(page, row, "Start");
  await until(row, "Nobody knows whether Start was done.");
  assert.doesNotMatch((await row.textContent()) ?? "", /is done/);
  await page.unroute("**/recording/set");

  // Refused: in the server's words.
  await page.route("**/recording/set", (route) =>
    route.continue({ postData: (route.request().postData() ?? "").replace(AGENT, "sip:stranger@domain.com") }),
  );
  await press(page, row, "Start");
  await until(row, "Start was refused: Requester:'sip:stranger@domain.com' is not an agent of UCC:'ucc-demo-name'.");
  await close();
});

test("many sessions come in pages, and can be narrowed down", async () => {
  for (let number = 0; number < 120; number += 1) await its.server.begin("closed", id(0x5000_0000 + number));
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await page.getByLabel("UCC", { exact: true }).selectOption("closed");
  const seen = new Set();
  const next = page.getByRole("button", { name: "Next" });
  for (let pages = 1; ; pages += 1) {
    await until(page.locator("#range"), new RegExp(`^Page ${pages},`));
    for (const text of await page.locator("li.session .id").allTextContents()) seen.add(text);
    if ((await next.getAttribute("aria-disabled")) === "true") break;
    await next.click();
  }
  assert.equal(seen.size, 121);
  await page.getByRole("button", { name: "Previous" }).click();
  await until(page.locator("#range"), /^Page 1,/);

  const beginning = page.getByLabel("Id begins with");
  await beginning.fill("50000010-00");
  await until(page.locator("#range"), /^1 session$/);
  // There is nothing to turn to.
  await next.waitFor({ state: "hidden" });
  assert.deepEqual(await page.locator("li.session .id").allTextContents(), [id(0x5000_0010)]);
  await beginning.fill("5000002");
  await until(page.locator("#range"), /^16 sessions$/);
  await beginning.fill("ffff");
  await page.getByText("No open session is like that.").waitFor();
  await beginning.fill("hello");
  // In the page's own words, under the field; and no list that looks like an answer.
  const note = page.getByText("An id has only the digits 0 to 9, the letters a to f, and hyphens between them.");
  await note.waitFor();
  const [field, under] = [await beginning.boundingBox(), await note.boundingBox()];
  assert.ok(under.y >= field.y + field.height && under.y < field.y + field.height + 12 && Math.abs(under.x - field.x) < 4);
  assert.equal(await beginning.getAttribute("aria-invalid"), "true");
  await until(page.locator("#range"), /^0 sessions$/);
  assert.equal(await page.locator("li.session").count(), 0);
  await beginning.fill("");
  await until(page.locator("#range"), /^Page 1,/);
  assert.equal(await beginning.getAttribute("aria-invalid"), null);
  await close();
});

test("all of it by keyboard alone", async () => {
  const number = id(0x6000_0000);
  await its.server.begin(OTHER, number, { RecordingState: 1, MarkingState: 0, SavingState: 0 });
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the sessions");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Gr");
  await page.locator("#agent:not([disabled])").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.type("sip:");
  await page.keyboard.press("Tab");
  await page.keyboard.type("60000000");
  const row = session(page, number);
  await until(page.locator("#range"), /^1 session$/);
  // To the button "Pause" of the only session; on the way every element that takes the focus shows it.
  for (let tabs = 0; ; tabs += 1) {
    assert.ok(tabs < 14, "Pause is not reached");
    await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none");
    if (await row.getByRole("button", { name: "Pause" }).evaluate((button) => button === document.activeElement)) break;
  }
  await page.keyboard.press("Space");
  await until(state(row, "recorder"), "Paused");
  await until(row, "Pause is done.");
  await close();
});

test("a restart of the server is told, and survived", async () => {
  const other = await new Server().start();
  const { page, seen, close } = await open(its.chromium, other);
  await live(page);
  await actAs(page, UCC, AGENT);
  await other.begin(UCC, id(7), { RecordingState: 1, MarkingState: 0, SavingState: 0 });
  const row = session(page, id(7));
  await row.waitFor({ timeout: PATIENCE });
  await other.stop();
  await until(page.locator("#connection"), "Reconnecting");
  await until(page.locator("#trouble"), "The server does not answer");
  // What was known is still shown, as old, and nobody can act on it.
  assert.match((await row.textContent()) ?? "", /Started/);
  assert.equal(await row.locator('.group button:not([aria-disabled="true"])').count(), 0);
  // Nor begin a call. The time is UTC.
  const begin = page.getByRole("button", { name: "Begin a test call" });
  assert.deepEqual([await begin.getAttribute("aria-disabled"), await begin.getAttribute("title")], ["true", "The server does not answer"]);
  assert.match((await page.locator("#trouble-text").textContent()) ?? "", /before \d\d:\d\d:\d\d UTC\.$/);
  await other.start();
  await live(page);
  await page.locator("#trouble").waitFor({ state: "hidden", timeout: PATIENCE });
  assert.equal(await begin.getAttribute("aria-disabled"), null);
  await page.getByText("No session is open.").or(page.getByText("No open session is like that.")).waitFor();
  // Events come again.
  await other.begin(UCC, id(8), { RecordingState: 1, MarkingState: 0, SavingState: 0 });
  await session(page, id(8)).waitFor({ timeout: PATIENCE });
  await other.set(UCC, id(8), "Mark");
  await until(page.locator("#events li").first(), "Mark");
  await until(state(session(page, id(8)), "mark"), "Mark");
  assert.deepEqual(seen.elsewhere, []);
  // While no server was there, or it was ending and not ready, the browser complained of that, and of nothing else.
  for (const complaint of seen.complaints) assert.match(complaint, /status of 503|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED/);
  await close();
  await other.close();
});

test("a server that wants a token gets one, for its requests and for its events", async () => {
  const { line, token } = Server.makeToken();
  const guarded = await new Server("--admin-tokens", Server.file(line)).start();
  const { page, close } = await open(its.chromium, guarded);
  const field = page.getByRole("textbox", { name: "Token" });
  await field.fill("not this one");
  await page.keyboard.press("Enter");
  const refused = page.getByText("The server refused this token.");
  await refused.waitFor();
  assert.match(await refused.getAttribute("class") ?? "", /wrong/);
  await field.fill(token);
  await page.keyboard.press("Enter");
  await live(page);
  await page.getByText("No session is open.").waitFor();
  assert.equal(await page.locator("dialog[open]").count(), 0);
  await close();
  await guarded.close();
});
