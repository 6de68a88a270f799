// What cannot be undone by the next button asks first: by pointer and by keyboard, and what comes in between.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actAs, AGENT, open, session, state, UCC, world } from "./world.mjs";

const its = world();
const id = (number) => `${number.toString(16).padStart(8, "0")}-0000-4000-8000-00000000a5c1`;
const STATES = ["Uninitialized", "Started", "Stopped", "Paused"];
const ACTIONS = ["Start", "Pause", "Stop", "Mark", "UnMark", "Save", "Delete"];

/** A page that acts on one new session in this state, and the bodies of what it sends. */
async function acting(number, recorder, saving = 0) {
  await its.server.begin(UCC, id(number), { RecordingState: recorder, MarkingState: 0, SavingState: saving });
  const { page, close } = await open(its.chromium, its.server);
  const sent = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/recording/set")) sent.push(JSON.parse(request.postData() ?? "").Action);
  });
  // Looks at the list that have no answer yet.
  const looks = new Set();
  page.on("request", (request) => new URL(request.url()).pathname === "/sessions" && looks.add(request));
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => looks.delete(request));
  await page.locator('#connection[data-state="live"]').waitFor();
  await actAs(page, UCC, AGENT);
  const row = session(page, id(number));
  await row.waitFor();
  const button = (name) => row.getByRole("button", { name, exact: true });
  return { page, row, button, sent, looks, dialog: page.locator("dialog#confirm[open]"), close };
}

test("Delete and a Start that resumes ask, in every state of the recorder, and nothing else does", async () => {
  for (const [recorder, name] of STATES.entries()) {
    const { page, row, button, sent, dialog, close } = await acting(0x100 + recorder, recorder);
    let asked = 0;
    // What is sent does not arrive, so that the state stays the one that is looked at.
    await page.route("**/recording/set", (route) => route.abort());
    for (const action of ACTIONS) {
      if ((await button(action).getAttribute("aria-disabled")) === "true") continue;
      const before = sent.length;
      await button(action).click();
      if (action === "Delete" || (action === "Start" && (name === "Paused" || name === "Stopped"))) {
        await dialog.waitFor();
        asked += 1;
        // It says which call, by all that tells it apart, and nothing has been sent.
        assert.equal(await dialog.locator(".ucc").textContent(), UCC);
        assert.equal(await dialog.locator(".id").textContent(), id(0x100 + recorder));
        assert.equal(sent.length, before, `${name} ${action}`);
        await page.locator("#confirm-yes").click();
      }
      await row.getByText(`Nobody knows whether ${action} was done.`).waitFor();
      assert.deepEqual(sent.slice(before), [action]);
    }
    assert.equal(asked, name === "Paused" || name === "Stopped" ? 2 : 1, name);
    await close();
  }
});

test("by keyboard: the focus is on Cancel, Escape cancels, and it goes back to the button", async () => {
  const { page, row, button, sent, dialog, close } = await acting(0x200, 3);
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await button("Start").focus();
  for (const key of ["Enter", "Escape"]) {
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    assert.equal(await focused(), "Cancel");
    await page.keyboard.press(key);
    await dialog.waitFor({ state: "detached" });
    await row.getByText("Start was not sent.").waitFor();
    assert.equal(await focused(), "Start");
  }
  // A key that is held down does not say yes.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(sent, []);
  assert.match((await state(row, "recorder").textContent()) ?? "", /Paused/);
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Start recording");
  await page.keyboard.press("Enter");
  await row.getByText("Start is done.").waitFor();
  assert.deepEqual(sent, ["Start"]);
  await close();
});

test("a first Start asks if it has become one that resumes, which the page does not know yet", async () => {
  const { page, row, button, sent, looks, dialog, close } = await acting(0x500, 0);
  // A page that is not looked at does not look either, once the look that has begun is over.
  await page.evaluate(() => Object.defineProperty(document, "hidden", { get: () => true }));
  while (looks.size > 0) await page.waitForTimeout(10);
  await its.server.set(UCC, id(0x500), "Start");
  await its.server.set(UCC, id(0x500), "Pause");
  await page.locator("#events li").nth(1).waitFor();
  assert.match((await state(row, "recorder").textContent()) ?? "", /Uninitialized/);
  await button("Start").click();
  await dialog.waitFor();
  assert.deepEqual(sent, []);
  await page.keyboard.press("Escape");
  await row.getByText("Start was not sent.").waitFor();
  await close();
});

test("a question that comes right after another one has an answer of its own", async () => {
  const { page, row, button, sent, dialog, close } = await acting(0x600, 3);
  await button("Start").click();
  await dialog.waitFor();
  // Before the page is told that the first one is over, as a key may come.
  await button("Start").evaluate((start) => {
    document.querySelector("#confirm").close();
    start.click();
  });
  await dialog.waitFor();
  await page.locator("#confirm-yes").click();
  await row.getByText("Start is done.").waitFor();
  assert.deepEqual(sent, ["Start"]);
  await close();
});

test("a double click on a row's button does not say yes, wherever the dialog comes up", async () => {
  const { page, button, sent, dialog, close } = await acting(0x300, 3);
  // The worst case: the answer comes up under the pointer.
  const at = await button("Start").boundingBox();
  await page.evaluate(([x, y]) => {
    const yes = document.querySelector("#confirm-yes");
    yes.style.cssText = `position: fixed; left: ${x}px; top: ${y}px`;
  }, [at.x, at.y]);
  await page.mouse.dblclick(at.x + 10, at.y + 10);
  await dialog.waitFor();
  assert.deepEqual(sent, []);
  await page.keyboard.press("Escape");
  await close();
});

test("a question is taken back when the call is not any more what was asked about", async () => {
  const { page, row, button, sent, dialog, close } = await acting(0x400, 2);
  await button("Start").click();
  await dialog.waitFor();
  await its.server.set(UCC, id(0x400), "Start");
  await its.server.set(UCC, id(0x400), "Pause");
  await dialog.waitFor({ state: "detached" });
  await row.getByText("Start was not sent: the call changed meanwhile.").waitFor();
  // The same for one that ended.
  await button("Delete").click();
  await dialog.waitFor();
  await fetch(`${its.server.admin}/sessions/${UCC}/${id(0x400)}`, { method: "DELETE" });
  await dialog.waitFor({ state: "detached" });
  // And nothing is sent when the server does not answer.
  await close();
  const other = await acting(0x401, 3);
  await other.button("Start").click();
  await other.dialog.waitFor();
  await other.page.route("**/sessions?*", (route) => route.abort());
  await other.page.locator("#trouble").waitFor();
  await other.page.locator("#confirm-yes").click();
  await other.row.getByText("Start was not sent: The server does not answer.").waitFor();
  assert.deepEqual([...sent, ...other.sent], []);
  await other.close();
});
