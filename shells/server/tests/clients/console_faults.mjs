// A fault of each kind, planted into the page: what looks for it has to find it, and nothing before or after it.
import { ANNA, CALLS, PAYMENTS, actAs, open, row, world, wrongs } from "./console_world.mjs";
import { equal, until } from "./harness.mjs";
import { reached } from "./keys.mjs";

/** What finds it, and what is done to which element. */
const FAULTS = [
    ["wide", "main", "width: 3000px"],
    ["contrast", "#agent-note", "color: rgb(140, 140, 140)"],
    ["contrast", "#sessions", "opacity: 0.4"],
    ["contrast", "#ucc", "color: rgb(140, 140, 140)"],
    ["contrast", ".icon", "color: rgb(220, 220, 220)"],
    ["contrast", "#begin", "border-color: rgb(230, 230, 230)"],
    ["cut", ".id", "width: 60px; overflow: hidden; white-space: nowrap"],
    ["cut", ".recorder-line", "height: 8px; overflow: hidden"],
    ["cut", "#order", "width: 80px"],
    ["cut", "#recorder", "width: 80px"],
    ["cut", ".group button", "width: 20px"],
    ["overlapping", ".since", "position: relative; left: -240px"],
    ["overlapping", ".message", "position: relative; top: -30px"],
    ["by colour alone", ".state span", "display: none"],
    ["by colour alone", ".state .icon", "display: none"],
    ["by colour alone", '.group [aria-disabled="true"]', "border-style: solid"],
    ["unconfirmed", ".pending", "display: none"],
    ["unconfirmed", ".silence", "display: none"],
    ["unconfirmed", ".holds", "display: none"],
];
/** The same for what keys alone find. */
const UNREACHED = [
    ["its focus is not seen", "#ucc", "outline: none"],
    ["its focus is not seen", "#ucc", "outline: 2px solid rgb(27, 90, 158)"],
    ["its focus has a contrast of", "#order", "outline-color: rgb(230, 230, 230)"],
    ["its focus is cut off", ".choices", "overflow: hidden"],
    ["controls are not reached", "#begin", "tabindex"],
];

/** Two calls: one whose pause is confirmed, and one whose pause is not. */
export async function planted(browser, after) {
    const its = await world(after);
    const { page, complaints } = await open(browser, its);
    const checks = { sessions: its.sessions, complaints, tries: 3 };
    await its.begin(PAYMENTS, CALLS.held);
    await its.begin(PAYMENTS, CALLS.unconfirmed);
    its.recorder.be("fails", CALLS.unconfirmed);
    await actAs(page, PAYMENTS, ANNA);
    for (const call of [CALLS.unconfirmed, CALLS.held]) {
        await row(page, call).getByRole("button", { name: "Pause", exact: true }).click();
        await row(page, call).getByText(/Pause is (not )?done/).waitFor();
    }
    await row(page, CALLS.unconfirmed).getByText(/^Pause not confirmed, sent/).waitFor();
    equal(await wrongs(page, { ...checks, tries: 20 }), {}, "before anything is planted");
    for (const [guard, selector, css] of FAULTS) {
        await restyle(page, selector, css);
        const found = await wrongs(page, checks);
        if (!(guard in found)) throw new Error(`${selector} { ${css} }: nothing says "${guard}": ${JSON.stringify(found)}`);
        await restyle(page, selector, "");
    }
    for (const [guard, selector, css] of UNREACHED) {
        await restyle(page, selector, css);
        const found = await reached(page);
        if (!found.some((one) => one.includes(guard))) throw new Error(`${selector} { ${css} }: ${JSON.stringify(found)}`);
        await restyle(page, selector, "");
    }
    equal([await wrongs(page, { ...checks, tries: 20 }), await reached(page)], [{}, []], "after everything was taken out again");
    // What the policy forbids, and what the browser complains of.
    await page.evaluate(() => {
        const style = document.createElement("style");
        style.textContent = "p { color: red }";
        document.head.append(style);
    });
    // The browser's words come by another way than the page's.
    await until(() => complaints.length > 0, "the browser complains");
    const found = await wrongs(page, checks);
    equal(["forbidden" in found, "complaints" in found], [true, true], JSON.stringify(found));
}

/** Gives each such element this style; without one, its own again. */
async function restyle(page, selector, css) {
    const count = await page.locator(selector).evaluateAll((all, css) => {
        for (const one of all) {
            if (css === "tabindex") one.tabIndex = -1;
            else one.removeAttribute("tabindex");
            one.style.cssText = css === "tabindex" ? "" : css;
        }
        return all.length;
    }, css);
    if (count === 0) throw new Error(`${selector}: there is none`);
}
