// The console, looked at: pictures of it in every condition that matters, from a real server with a recorder that does what the
// scene wants, and what a picture alone does not show. The pictures are for people; eyes.js and keys.mjs say what is wrong.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { launch } from "./browser.mjs";
import { planted } from "./console_faults.mjs";
import { ANNA, BERT, CALLS, LONG, PAYMENTS, SUPPORT, actAs, open, row, world, wrongs } from "./console_world.mjs";
import { equal, test, until } from "./harness.mjs";
import { reached } from "./keys.mjs";

const PICTURES = process.env.PICTURES;
const WIDTHS = { "": 1280, "-360": 360 };
const WIDTHS_BETWEEN = [320, 640, 768, 1040, 1100];
const SCHEMES = ["light", "dark"];

/** Looks at this scene in both colour schemes and both widths, and takes a picture of each. */
async function look(page, scene, its = {}, { fullPage = true } = {}) {
    for (const [suffix, width] of Object.entries(WIDTHS)) {
        await page.setViewportSize({ width, height: width === 360 ? 740 : 800 });
        for (const colorScheme of SCHEMES) {
            await page.emulateMedia({ colorScheme });
            const name = `${scene}-${colorScheme}${suffix}`;
            equal(await wrongs(page, its), {}, name);
            await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage });
        }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
}

/** Shows only the call of this name. */
const only = (page, call) => page.getByLabel("Id begins with").fill(call ? CALLS[call].slice(0, 8) : "");

async function scenes(browser, after) {
    const its = await world(after);
    const { page, complaints } = await open(browser, its);
    const checks = { sessions: its.sessions, complaints };
    for (const call of ["started", "overdue", "unconfirmed", "held", "stopped", "closing"]) await its.begin(PAYMENTS, CALLS[call]);
    await its.set(PAYMENTS, CALLS.overdue, "Pause", BERT);
    its.recorder.be("fails", CALLS.unconfirmed);
    its.recorder.be("fails", CALLS.closing);
    await its.end(PAYMENTS, CALLS.closing);
    for (const action of ["Mark", "Save", "Stop"]) await its.set(PAYMENTS, CALLS.stopped, action, BERT);
    await actAs(page, PAYMENTS, ANNA);

    // An unconfirmed pause, asked for on this page.
    await only(page, "unconfirmed");
    const unconfirmed = row(page, CALLS.unconfirmed);
    await unconfirmed.getByRole("button", { name: "Pause", exact: true }).click();
    await unconfirmed.getByText("Pause is not done: Action:'Pause' is not confirmed by the recorder.").waitFor();
    await unconfirmed.getByText(/^Pause not confirmed, sent [3-9] times: the recorder answered with status 500$/).waitFor();
    await look(page, "unconfirmed", checks);

    await only(page, "overdue");
    await row(page, CALLS.overdue).getByText(/^Overdue: paused for \d+ s$/).waitFor();
    await look(page, "overdue", checks);

    await only(page, "");
    await its.set(PAYMENTS, CALLS.held, "Pause", BERT);
    await its.set(PAYMENTS, CALLS.held, "Pause", ANNA);
    await row(page, CALLS.held).getByText(/^silence last confirmed/).waitFor();
    await page.locator("#closing-sessions li").waitFor();
    equal(await page.locator("#range").textContent(), "5 sessions; 1 not confirmed; 1 overdue");
    for (const [filter, call] of [["Not confirmed", "unconfirmed"], ["Overdue", "overdue"]]) {
        await page.getByLabel("Recorder is", { exact: true }).selectOption(filter);
        equal(await page.locator("#sessions > li .id").allTextContents(), [CALLS[call]], filter);
    }
    await page.getByLabel("Recorder is", { exact: true }).selectOption("");
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.move(0, 0);
    await look(page, "calls", checks);
    // At the widths between, and as narrow as zooming makes it.
    for (const width of WIDTHS_BETWEEN) {
        await page.setViewportSize({ width, height: 800 });
        equal(await wrongs(page, checks), {}, `${width} pixels`);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await only(page, "held");
    await page.locator("li.session").nth(1).waitFor({ state: "detached" });
    await look(page, "holds", checks);
    await row(page, CALLS.held).getByRole("button", { name: "End holds" }).click();
    await page.locator("dialog#confirm[open]").waitFor();
    await look(page, "question", checks, { fullPage: false });
    await page.keyboard.press("Escape");
    // A recorder that records in a pause.
    await only(page, "overdue");
    its.recorder.be("records", CALLS.overdue);
    await row(page, CALLS.overdue).getByText(/^Found recording at \d\d:\d\d:\d\d, not silent since$/).waitFor();
    await look(page, "alarm", checks);
    its.recorder.be("obeys", CALLS.overdue);
    await only(page, "");
    await row(page, CALLS.started).waitFor();
    equal(complaints, [], "what the browser complains of");

    // The recorder dies, and then the server does.
    await its.recorder.end();
    await page.getByText("Recorder proxy-1 does not answer. It has 6 sessions.").waitFor();
    await row(page, CALLS.held).getByText(/^Silence not confirmed again, asked/).waitFor();
    await look(page, "away", checks);
    await its.server.end();
    await page.locator("#trouble").waitFor();
    await page.locator('#connection[data-state="reconnecting"]').waitFor();
    await look(page, "down");
}

/** Fifty calls are one page, each with all that tells it apart. */
async function fifty(browser, after) {
    const its = await world(after);
    const id = (number) => `${((number * 0x04c11db7) >>> 0).toString(16).padStart(8, "0")}-${CALLS.started.slice(9)}`;
    const ids = [...Array(50).keys()].map((number) => id(number + 1));
    const state = (at) => ({ RecordingState: [1, 1, 3, 2, 0][at % 5], MarkingState: at % 3, SavingState: at % 2 });
    await Promise.all(ids.map((one, at) => its.begin(SUPPORT, one, state(at))));
    const { page, complaints } = await open(browser, its);
    await row(page, ids[49]).waitFor();
    equal((await page.locator("#sessions > li .id").allTextContents()).sort(), [...ids].sort(), "the calls on the page");
    equal(await page.locator("#range").textContent(), "50 sessions");
    equal(await page.locator("#pages").isVisible(), false, "pages");
    // Without the buttons of one who acts, a desk's screen has a good part of them.
    const seen = () => page.locator("#sessions > li").evaluateAll((all) =>
        all.filter((one) => one.getBoundingClientRect().bottom <= innerHeight).length);
    const count = await seen();
    if (count < 10) throw new Error(`a screen of 800 pixels has ${count} calls`);
    await look(page, "fifty-looking", { complaints }, { fullPage: false });
    await actAs(page, SUPPORT, ANNA);
    await look(page, "fifty", { complaints }, { fullPage: false });
    await page.screenshot({ path: join(PICTURES, "fifty.png"), fullPage: true });
    // A name as long as names may be.
    await its.begin(LONG, CALLS.started, state(1));
    await actAs(page, LONG, ANNA);
    await row(page, CALLS.started).waitFor();
    await row(page, ids[49]).waitFor({ state: "detached" });
    await look(page, "long-name", { complaints });
}

/** A Start asks before it takes back a pause that is not confirmed; one that is confirmed meanwhile takes the question back. */
async function takenBack(browser, after) {
    const its = await world(after);
    await its.begin(PAYMENTS, CALLS.unconfirmed);
    its.recorder.be("fails", CALLS.unconfirmed);
    const { page } = await open(browser, its);
    await actAs(page, PAYMENTS, ANNA);
    const call = row(page, CALLS.unconfirmed);
    await call.getByRole("button", { name: "Pause", exact: true }).click();
    await call.getByText(/^Pause not confirmed/).waitFor();
    await call.getByText("Pause is not done").waitFor();
    const dialog = page.locator("dialog#confirm[open]");
    const start = call.getByRole("button", { name: "Start", exact: true });
    await start.click();
    await dialog.getByText("Take the pause back?").waitFor();
    equal((await its.sessions()).Sessions[0].Recorder.Pending.Order, "Pause", "before the answer");
    its.recorder.be("obeys", CALLS.unconfirmed);
    await dialog.waitFor({ state: "detached" });
    await call.getByText("Start was not sent: the call changed meanwhile.").waitFor();
    await call.locator("dd").getByText("Paused").waitFor();
}

/** A computer whose clock is wrong shows the server's times. */
async function wrongClock(browser, after) {
    const its = await world(after);
    await its.begin(PAYMENTS, CALLS.held);
    const { page } = await open(browser, its, {
        before: () => {
            const [Right, ahead] = [Date, 3_600_000];
            window.Date = class extends Right {
                constructor(...given) {
                    super(...(given.length > 0 ? given : [Right.now() + ahead]));
                }
                static now = () => Right.now() + ahead;
            };
        },
    });
    await row(page, CALLS.held).waitFor();
    await its.set(PAYMENTS, CALLS.held, "Pause");
    const call = row(page, CALLS.held);
    await call.getByText(/^Pause \d/).waitFor();
    const seconds = (text) => /(\d\d):(\d\d):(\d\d)/.exec(text).slice(1).reduce((sum, part) => sum * 60 + Number(part), 0);
    for (const part of [".change", ".began", ".silence"]) {
        const apart = Math.abs(seconds(await call.locator(part).textContent()) - seconds(new Date().toISOString()));
        if (Math.min(apart, 86_400 - apart) > 60) throw new Error(`${part}: ${await call.locator(part).textContent()}`);
    }
    equal(/ · \d+ s$/.test(await call.locator(".began").textContent()), true, await call.locator(".began").textContent());
}

/** What is not known is not shown as if it were: on the last of several pages, and while the server cannot be reached. */
async function notKnown(browser, after) {
    const its = await world(after);
    const id = (number) => `${number.toString(16).padStart(8, "0")}-${CALLS.started.slice(9)}`;
    await Promise.all([...Array(101).keys()].map((number) => its.begin(SUPPORT, id(number))));
    const { page } = await open(browser, its);
    await page.getByRole("button", { name: "Next" }).click();
    await page.locator("#range").getByText("Page 2, 1 on it, the last one; ordered within the page").waitFor();
    await page.getByLabel("Recorder is", { exact: true }).selectOption("Paused");
    await page.getByText("None among those on this page. There are more on the pages before.").waitFor();

    const connection = page.locator("#connection-text");
    await page.context().setOffline(true);
    await page.locator("#trouble").waitFor();
    // The connection for events has not noticed yet.
    equal(await connection.textContent(), "No answer");
    await page.getByRole("button", { name: "Try now" }).focus();
    await page.context().setOffline(false);
    await page.keyboard.press("Enter");
    await page.locator("#trouble").waitFor({ state: "hidden" });
    equal(await page.evaluate(() => document.activeElement.id), "sessions-title", "the focus");
    equal(await connection.textContent(), "Live");
}

/** A server that hangs is noticed; what became of an action that was not answered is said when it is known; a reload keeps the choice. */
async function hangs(browser, after) {
    const its = await world(after);
    await its.begin(SUPPORT, CALLS.started);
    const { page } = await open(browser, its);
    await actAs(page, SUPPORT, ANNA);
    const call = row(page, CALLS.started);
    await page.route("**/recording/set", async (route) => {
        await route.fetch();
        await route.abort();
    });
    await call.getByRole("button", { name: "Pause", exact: true }).click();
    await call.getByText("The call is Paused now.").waitFor();
    its.server.child.kill("SIGSTOP");
    await page.getByText("The server does not answer in time.").waitFor();
    its.server.child.kill("SIGCONT");
    await page.locator("#trouble").waitFor({ state: "hidden" });
    await page.reload();
    await page.getByText("Every action is sent in the name of this agent.").waitFor();
    equal(await page.locator("#ucc").inputValue(), SUPPORT);
    equal(await page.locator("#agent").inputValue(), ANNA);
}

/** Every control is reached by Tab, and its focus is seen. */
async function keys(browser, after) {
    const its = await world(after);
    for (const call of ["started", "held", "closing"]) await its.begin(PAYMENTS, CALLS[call]);
    await its.set(PAYMENTS, CALLS.held, "Pause", BERT);
    its.recorder.be("fails", CALLS.closing);
    await its.end(PAYMENTS, CALLS.closing);
    for (const [width, colorScheme] of [[1280, "light"], [360, "dark"]]) {
        const { page } = await open(browser, its, { viewport: { width, height: 740 }, colorScheme });
        await actAs(page, PAYMENTS, ANNA);
        await row(page, CALLS.held).getByRole("button", { name: "End holds" }).waitFor();
        await page.locator("#closing-sessions li").waitFor();
        equal(await reached(page), [], `${width}, ${colorScheme}`);
        // A question keeps the focus in it, and gives it back.
        const button = row(page, CALLS.held).getByRole("button", { name: "Delete", exact: true });
        await button.focus();
        await page.keyboard.press("Enter");
        await page.locator("dialog#confirm[open]").waitFor();
        equal(await reached(page), [], `the question, ${width}, ${colorScheme}`);
        await page.keyboard.press("Escape");
        await until(() => button.evaluate((one) => one === document.activeElement), "the focus is back");
        // Ended holds take their button away, and leave the focus in the call.
        const held = row(page, CALLS.held);
        await held.getByRole("button", { name: "End holds" }).focus();
        for (const key of ["Enter", "Tab", "Enter"]) await page.keyboard.press(key);
        await held.getByText("The holds are ended.").waitFor();
        await held.getByRole("button", { name: "End holds" }).waitFor({ state: "hidden" });
        equal(await held.evaluate((one) => one.contains(document.activeElement)), true, "the focus is in the call");
        await its.set(PAYMENTS, CALLS.held, "Pause", BERT);
        await page.context().close();
    }
}

export async function theConsole() {
    await mkdir(PICTURES, { recursive: true });
    const browser = await launch();
    const each = (name, body, options) => test(`the console: ${name}`, (after) => body(browser, after), options);
    await Promise.all([
        each("every condition, light and dark, wide and narrow", scenes, { waits: true, patience: 120_000 }),
        each("50 sessions", fifty, { patience: 120_000 }),
        each("keys alone", keys),
        each("a pause that is not confirmed is not taken back without a question", takenBack),
        each("what is not known", notKnown),
        each("a server that hangs, and a reload", hangs, { waits: true }),
        each("a computer whose clock is wrong", wrongClock),
        each("what looks for faults finds planted ones", planted),
    ]);
    await browser.close();
    console.log(`        pictures of the console: ${PICTURES}`);
}
