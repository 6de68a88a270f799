// The page by keys alone.

/** Goes through the page by Tab, once around; gives what is wrong: controls that are not reached, a focus that is not seen. */
export async function reached(page) {
    const wrong = [];
    await page.evaluate(() => document.activeElement?.blur());
    const count = await page.evaluate(() => eyes.rest());
    const seen = new Set();
    // Once around and past the window's own controls, which a page cannot see.
    for (let step = 0; step < count + 3; step += 1) {
        await page.keyboard.press("Tab");
        const { at, wrong: its } = await page.evaluate(() => eyes.focused());
        if (at >= 0) seen.add(at);
        wrong.push(...its.filter((one) => !wrong.includes(one)));
    }
    if (seen.size < count) wrong.push(`${count - seen.size} of ${count} controls are not reached`);
    return wrong;
}
