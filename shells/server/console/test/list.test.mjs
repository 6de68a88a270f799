// With many sessions: calls are told apart while acting, since when they are there is said, and they can be found.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { actAs, AGENT, open, press, screenshots, session, state, UCC, world } from "./world.mjs";

/** As long as a name may be. */
const LONG = "Zahlung & Inkasso, Kundendienst Nord-West, zweite Warteschlange";
const its = world({ name: LONG, agents: [AGENT] });
const id = (number) => `${(number * 0x01010101).toString(16).padStart(8, "0")}-6739-4f0c-98ff-0968292c8c30`;
const ids = (page) => page.locator("li.session .id").allTextContents();
const started = { RecordingState: 1, MarkingState: 0, SavingState: 0 };
const live = (page) => page.locator('#connection[data-state="live"]').waitFor();

test("50 calls of one UCC with a long name are told apart while acting, at every width", async () => {
  const numbers = Array.from({ length: 50 }, (_, number) => number + 1);
  await Promise.all(
    numbers.map((number) => its.server.begin(LONG, id(number), { ...started, RecordingState: [1, 3, 2, 0][number % 4] })),
  );
  for (const width of [1500, 1280, 1100, 1024, 768, 360]) {
    const { page, close } = await open(its.chromium, its.server, { viewport: { width, height: 800 } });
    await live(page);
    await actAs(page, LONG, AGENT);
    await page.locator("li.session").nth(49).waitFor();
    const cut = await page.locator("li.session .ucc, li.session .id").evaluateAll((all) =>
      all.filter((one) => {
        const style = getComputedStyle(one);
        const shown = one.getBoundingClientRect();
        const outside = shown.left < 0 || shown.right > window.innerWidth || shown.height === 0;
        return outside || one.scrollWidth > one.clientWidth || (style.textOverflow === "ellipsis" && style.overflow === "hidden");
      }).length,
    );
    assert.equal(cut, 0, `${width}`);
    // An id is one line: two broken ones cannot be compared.
    const lines = await page.locator("li.session .id").evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
    assert.ok(Math.max(...lines) < 24, `${width}: ${Math.max(...lines)}`);
    // No row's parts lie over each other, and all seven buttons are within the row.
    const over = await page.locator("li.session").evaluateAll((rows) =>
      rows.filter((row) => {
        const call = row.querySelector(".call").getBoundingClientRect();
        const others = [...row.querySelectorAll("dd, .since, .group button")].map((one) => one.getBoundingClientRect());
        const within = row.getBoundingClientRect();
        return others.some((one) => one.left < call.right && one.top < call.bottom - 1 && one.bottom > call.top + 1 && one.right > call.left)
          || others.some((one) => one.right > within.right || one.bottom > within.bottom);
      }).length,
    );
    assert.equal(over, 0, `${width}`);
    await page.screenshot({ path: join(screenshots, `many-${width}.png`) });
    await close();
  }
});

test("50 calls are put in order and found by the recorder's state", async () => {
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await actAs(page, LONG, AGENT);
  await page.locator("li.session").nth(49).waitFor();
  const all = Array.from({ length: 50 }, (_, number) => id(number + 1)).sort();
  // This page has seen them all since the same moment.
  assert.deepEqual(await ids(page), all);
  // A new one comes last, where it moves no other; with the newest first it is the first.
  const latest = "00000000-6739-4f0c-98ff-0968292c8c30";
  await its.server.begin(LONG, latest, started);
  await session(page, latest).waitFor();
  assert.deepEqual(await ids(page), [...all, latest]);
  await page.getByLabel("Order", { exact: true }).selectOption("Newest first");
  assert.deepEqual(await ids(page), [latest, ...all]);
  await page.getByLabel("Order", { exact: true }).selectOption("By id");
  assert.deepEqual(await ids(page), [latest, ...all]);

  const recorder = page.getByLabel("Recorder is", { exact: true });
  await recorder.selectOption("Paused");
  assert.equal(await page.locator("#range").textContent(), "13 of 51 sessions");
  const states = await page.locator("li.session dd:nth-of-type(1)").evaluateAll((found) => found.map((one) => one.dataset.state));
  assert.equal(states.filter((one) => one === "Paused").length, 13);
  // One that is acted on stays, with what became of it, although it is Paused no more.
  const row = page.locator("li.session").first();
  const number = await row.locator(".id").textContent();
  await press(page, row, "Start");
  await session(page, number).getByText("Start is done.").waitFor();
  await state(session(page, number), "recorder").getByText("Started").waitFor();
  assert.equal(await page.locator("li.session").count(), 13);
  // Chosen again, it is not among them.
  await recorder.selectOption("");
  await recorder.selectOption("Paused");
  assert.equal(await page.locator("li.session").count(), 12);
  // One that others pause comes in.
  await its.server.set(LONG, latest, "Pause");
  await session(page, latest).waitFor();
  assert.equal(await page.locator("li.session").count(), 13);
  await close();
});

test("since when a call is there is said, and whether that is its beginning", async () => {
  const [before, after] = [id(0xe0), id(0xe1)];
  await its.server.begin(UCC, before, started);
  const { page, close } = await open(its.chromium, its.server, { timezoneId: "Asia/Tokyo", locale: "en-US" });
  await live(page);
  const since = (number) => session(page, number).locator(".since");
  await since(before).getByText("seen since").waitFor();
  const asked = Date.now();
  await its.server.begin(UCC, after, started);
  await since(after).getByText("began").waitFor();
  // In UTC, whatever the browser's clock and language are.
  const told = /^began (\d\d):(\d\d):(\d\d) · \d+ (s|min)/.exec((await since(after).textContent()) ?? "");
  const seconds = Number(told[1]) * 3600 + Number(told[2]) * 60 + Number(told[3]);
  const late = (seconds - Math.floor(asked / 1000) % 86_400 + 86_400) % 86_400;
  assert.ok(late <= Math.ceil((Date.now() - asked) / 1000) + 1, `${late} s`);
  // A change is told with its time; a reload forgets neither.
  await its.server.set(UCC, after, "Pause");
  await since(after).getByText(/Pause \d\d:\d\d:\d\d/).waitFor();
  const [one, other] = [await since(before).locator(".began").textContent(), await since(after).locator(".began").textContent()];
  await page.reload();
  const moment = (text) => text.split(" · ")[0];
  await session(page, after).waitFor();
  assert.equal(moment(await since(before).locator(".began").textContent()), moment(one));
  assert.equal(moment(await since(after).locator(".began").textContent()), moment(other));
  assert.match((await page.locator("#sessions").textContent()) ?? "", /seen since/);
  assert.doesNotMatch((await page.locator("main").textContent()) ?? "", /\b[AP]M\b/);
  await close();
});

test("what was asked for and is not known is not shown", async () => {
  await its.server.begin(UCC, id(0xf0), started);
  const { page, close } = await open(its.chromium, its.server);
  await live(page);
  await session(page, id(0xf0)).waitFor();
  await page.route("**/sessions?*", (route) => route.abort());
  await page.getByLabel("UCC", { exact: true }).selectOption(LONG);
  await page.getByText("Not known: the server does not answer.").waitFor();
  assert.equal(await page.locator("li.session").count(), 0);
  await close();
});
