// Accessibility by axe, and that nothing is cut off: light and dark, on a desk and on a phone, in each condition.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { actAs, AGENT, open, OTHER, press, screenshots, UCC, world } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const its = world();

/** Nothing that axe knows of is wrong, and the page is not wider than its window. */
async function check(page, name) {
  const found = await page.evaluate(`(async () => {
    ${axe};
    const rules = await axe.run(document, { resultTypes: ["violations"] });
    return rules.violations.map((rule) => [rule.id, rule.nodes.map((node) => node.html.slice(0, 200))]);
  })()`);
  assert.deepEqual(found, [], name);
  const [inner, needed] = await page.evaluate(() => [window.innerWidth, document.documentElement.scrollWidth]);
  assert.ok(needed <= inner, `${name}: ${needed} pixels in ${inner}`);
  // Texts of buttons and choices are not cut off.
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll("button, label, dd, .message, .note, .ucc, .id, .since")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "none")
      .map((one) => one.textContent),
  );
  assert.deepEqual(cut, [], name);
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

async function sessions() {
  const beginnings = ["1d6c6a58", "30c40629", "441ba1fa", "57733dcb", "6acad99c", "7e22756d", "917a113e", "a4d1ad0f"];
  for (const [at, beginning] of beginnings.entries()) {
    const state = { RecordingState: [1, 3, 2, 0][at % 4], MarkingState: at % 3, SavingState: (at + 1) % 3 };
    // As if it had never been there.
    const [name, id] = [[UCC, OTHER][at % 2], `${beginning}-6739-4f0c-98ff-0968292c8c30`];
    await fetch(`${its.server.admin}/sessions/${encodeURIComponent(name)}/${id}`, { method: "DELETE" });
    await its.server.begin(name, id, state);
  }
}

for (const colorScheme of ["light", "dark"]) {
  for (const [device, width, height] of [["desk", 1280, 800], ["tablet", 900, 900], ["phone", 360, 740]]) {
    test(`${device}, ${colorScheme}`, async () => {
      const name = (condition) => `${device}-${colorScheme}-${condition}`;
      const { page, seen, close } = await open(its.chromium, its.server, { colorScheme, viewport: { width, height } });
      await page.locator('#connection[data-state="live"]').waitFor();
      // Between desk and phone only the arrangement of the rows is another.
      if (device === "tablet") {
        await sessions();
        await page.locator("li.session").nth(7).waitFor();
        await check(page, name("all"));
        await actAs(page, UCC, AGENT);
        await check(page, name("acting"));
        await close();
        return;
      }
      await page.getByLabel("Id begins with").fill("ffffffff-0");
      await page.getByText("No open session is like that.").waitFor();
      await check(page, name("empty"));
      await page.getByLabel("Id begins with").fill("");
      await sessions();
      await page.locator("li.session").nth(7).waitFor();
      await check(page, name("all"));

      await actAs(page, UCC, AGENT);
      const row = page.locator("li.session").first();
      for (const action of ["UnMark", "Mark", "Delete"]) {
        await press(page, row, action);
        await row.getByText(`${action} is done.`).waitFor();
      }
      await page.getByRole("button", { name: "Begin a test call" }).click();
      await page.getByText("This test call began.").waitFor();
      await check(page, name("acting"));
      // A stopped one: it asks.
      await page.locator("li.session").nth(1).getByRole("button", { name: "Start", exact: true }).click();
      await page.locator("dialog#confirm[open]").waitFor();
      await check(page, name("asking"));
      await page.keyboard.press("Escape");
      await page.locator("dialog[open]").waitFor({ state: "detached" });
      await page.route("**/recording/set", (route) => route.abort());
      await row.getByRole("button", { name: "Save" }).click();
      await row.getByText("Nobody knows whether Save was done.").waitFor();
      await page.unroute("**/recording/set");
      await check(page, name("unknown"));
      assert.deepEqual(seen.elsewhere, []);

      await page.route("**/sessions?*", (route) => route.abort());
      await page.locator("#trouble").waitFor();
      await check(page, name("trouble"));
      await page.unroute("**/sessions?*");
      await page.locator("#trouble").waitFor({ state: "hidden" });

      await page.route("**/sessions?*", (route) =>
        route.fulfill({ status: 401, contentType: "application/json", body: '{"ErrorMessage":{"ErrorType":2,"Message":"x"}}' }),
      );
      await page.locator("dialog[open]").waitFor();
      await check(page, name("token"));
      await page.unroute("**/sessions?*");
      await page.getByRole("textbox", { name: "Token" }).fill("any");
      await page.keyboard.press("Enter");
      await page.locator("dialog[open]").waitFor({ state: "detached" });
      // Ends what it began.
      await page.getByRole("button", { name: "End", exact: true }).click();
      await page.getByRole("button", { name: "End", exact: true }).waitFor({ state: "detached" });
      await close();
    });
  }
}

test("axe and the widths find what is wrong", async () => {
  const { page, close } = await open(its.chromium, its.server);
  await page.locator('#connection[data-state="live"]').waitFor();
  for (const [fault, plant] of [
    ["contrast", () => (document.querySelector("#agent-note").style.color = "#eee")],
    ["a name", () => document.querySelector('label[for="ucc"]').remove()],
    ["a width", () => (document.querySelector("main").style.width = "3000px")],
  ]) {
    await page.reload();
    await page.locator('#connection[data-state="live"]').waitFor();
    await page.evaluate(plant);
    await assert.rejects(check(page, "planted"), assert.AssertionError, fault);
  }
  await close();
});
