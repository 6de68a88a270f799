// Looks at the page that it is in, as somebody would who uses it, and says what is wrong: an array of sentences for each
// question. It shares no code with the page, and runs in it before anything of the page's own.
window.eyes = (() => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
        violations.push(`${event.effectiveDirective} forbids ${event.blockedURI || event.sample}`));

    const style = (one) => getComputedStyle(one);
    const chainOf = (one) => {
        const chain = [];
        for (let at = one; at instanceof Element; at = at.parentElement) chain.unshift(at);
        return chain;
    };
    /** Only for screen readers: cut down to a pixel. */
    const unseen = (one) => chainOf(one).some((at) => style(at).clipPath !== "none" && at.getBoundingClientRect().width <= 1);
    const visible = (one) => one.checkVisibility({ visibilityProperty: true }) && !unseen(one);
    /** What can be seen and used: of a page with an open dialog, the dialog. */
    const scope = () => document.querySelector("dialog[open]") ?? document.body;
    const name = (one) => {
        const of = one.closest("li.session")?.querySelector(".id")?.textContent;
        const self = one.id ? `#${one.id}` : one.localName + [...one.classList].map((each) => `.${each}`).join("");
        return `${self} "${(one.value ?? one.textContent ?? "").trim().slice(0, 60)}"${of ? ` of ${of}` : ""}`;
    };

    /** Each line of each text that can be read: its element, and where it is. */
    function texts() {
        const found = [];
        const walker = document.createTreeWalker(scope(), NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const element = node.parentElement;
            if (!node.textContent.trim() || element.closest("script, style, noscript, select") || !visible(element)) continue;
            const range = document.createRange();
            range.selectNodeContents(node);
            for (const box of range.getClientRects()) found.push({ node, element, box });
        }
        return found;
    }
    const fields = () => [...scope().querySelectorAll("select, input")].filter(visible);
    const controls = () =>
        [...scope().querySelectorAll("button, select, input, a[href], [tabindex]:not([tabindex='-1'])")].filter((one) => visible(one) || one.matches(".skip"));

    // Colours -------------------------------------------------------------------------------------------------------------

    function colour(text) {
        const parts = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(text);
        if (!parts) throw new Error(`the colour ${text} is not understood`);
        const [red, green, blue, alpha = 1] = parts.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
        return { rgb: [red, green, blue], alpha };
    }
    const mix = (over, under, alpha) => over.map((part, at) => part * alpha + under[at] * (1 - alpha));
    /** As `filter: grayscale(1)` is defined. */
    const grey = (rgb) => Array(3).fill(0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]);

    /** The colours in which `ink` of the last one of the chain is seen, and what it is seen on. */
    function painted(chain, ink, under) {
        const [one, ...inner] = chain;
        const its = style(one);
        if (its.backgroundImage !== "none" || its.mixBlendMode !== "normal") throw new Error(`${name(one)}: a background that is not understood`);
        const ground = colour(its.backgroundColor);
        const on = mix(ground.rgb, under, ground.alpha);
        let seen = { ink: mix(ink.rgb, on, ink.alpha), on };
        if (inner.length > 0) seen = painted(inner, ink, on);
        if (its.filter === "grayscale(1)") seen = { ink: grey(seen.ink), on: grey(seen.on) };
        else if (its.filter !== "none") throw new Error(`${name(one)}: the filter ${its.filter} is not understood`);
        const opacity = Number(its.opacity);
        return { ink: mix(seen.ink, under, opacity), on: mix(seen.on, under, opacity) };
    }
    const light = (rgb) => {
        const [red, green, blue] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    /** As WCAG has it: 1 for none, 21 for black on white. */
    function ratio(one, ink = style(one).color, chain = chainOf(one)) {
        const { ink: over, on } = painted(chain, colour(ink), [255, 255, 255]);
        const [more, less] = [light(over), light(on)].sort((left, right) => right - left);
        return (more + 0.05) / (less + 0.05);
    }

    function contrast() {
        const wrong = new Set();
        for (const one of new Set([...texts().map(({ element }) => element), ...fields()])) {
            const found = ratio(one);
            if (!(found >= 4.5)) wrong.add(`${name(one)}: a contrast of ${found.toFixed(2)}`);
        }
        // What tells something without a text: icons, and the edges of what can be used.
        for (const one of [...scope().querySelectorAll(".icon")].filter(visible)) {
            const found = ratio(one);
            if (!(found >= 3)) wrong.add(`the icon of ${name(one.parentElement)}: a contrast of ${found.toFixed(2)}`);
        }
        for (const one of controls().filter((each) => each.matches("button:not([aria-disabled]), select, input"))) {
            // An edge is seen next to what is around the control.
            const found = ratio(one, style(one).borderTopColor, chainOf(one.parentElement));
            if (!(found >= 3)) wrong.add(`the edge of ${name(one)}: a contrast of ${found.toFixed(2)}`);
        }
        return [...wrong];
    }

    // Places --------------------------------------------------------------------------------------------------------------

    function wide() {
        const root = document.documentElement;
        return root.scrollWidth > root.clientWidth ? [`the page is ${root.scrollWidth} pixels wide in ${root.clientWidth}`] : [];
    }

    const ruler = document.createElement("canvas").getContext("2d");
    /** How wide this text is in a field, in pixels. */
    function measured(one, text) {
        ruler.font = style(one).font;
        return ruler.measureText(text).width;
    }

    /** Texts that are not seen as a whole. */
    function cut() {
        const wrong = new Set();
        for (const one of [...scope().querySelectorAll("*")].filter(visible)) {
            const its = style(one);
            if (its.display === "inline" || one.matches("select, input, option, svg, svg *")) continue;
            if (its.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1) wrong.add(`${name(one)}: ${one.scrollWidth} pixels wide in ${one.clientWidth}`);
            if (its.overflowY !== "visible" && one.scrollHeight > one.clientHeight + 1) wrong.add(`${name(one)}: ${one.scrollHeight} pixels high in ${one.clientHeight}`);
        }
        const page = document.documentElement.clientWidth;
        for (const { element, box } of texts()) {
            if (box.left < -1 || box.right > page + 1) wrong.add(`${name(element)}: outside of the page`);
            const holder = element.closest("button, .connection, li, .field, .heading, header, section, dialog");
            const within = holder?.getBoundingClientRect();
            const out = within && (box.left < within.left - 1 || box.right > within.right + 1 || box.top < within.top - 1 || box.bottom > within.bottom + 1);
            if (out) wrong.add(`${name(element)}: outside of its ${holder.localName}`);
        }
        for (const one of fields()) {
            const its = style(one);
            const text = one.localName === "select" ? (one.selectedOptions[0]?.textContent ?? "") : one.value;
            // The arrow of a choice.
            const arrow = one.localName === "select" ? 18 : 0;
            const room = one.clientWidth - parseFloat(its.paddingLeft) - parseFloat(its.paddingRight) - arrow;
            const described = (one.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id));
            const inFull = described.some((note) => note && visible(note) && note.textContent === text);
            if (measured(one, text) > room && !inFull) wrong.add(`${name(one)}: ${measured(one, text).toFixed(0)} pixels wide in ${room.toFixed(0)}`);
        }
        return [...wrong];
    }

    const meet = (one, other) =>
        Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1.5 &&
        Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1.5;

    /** Texts and controls that are over each other. */
    function overlapping() {
        const wrong = new Set();
        const lines = texts().sort((one, other) => one.box.top - other.box.top);
        lines.forEach((one, at) => {
            for (const other of lines.slice(at + 1)) {
                if (other.box.top > one.box.bottom) break;
                if (one.node !== other.node && meet(one.box, other.box)) wrong.add(`${name(one.element)} and ${name(other.element)}`);
            }
        });
        const boxes = controls().filter((one) => !one.matches(".skip")).map((one) => ({ one, box: one.getBoundingClientRect() }));
        boxes.forEach(({ one, box }, at) => {
            for (const { one: other, box: its } of boxes.slice(at + 1)) if (meet(box, its)) wrong.add(`${name(one)} and ${name(other)}`);
            for (const { element, box: its } of lines) if (!one.contains(element) && meet(box, its)) wrong.add(`${name(one)} and ${name(element)}`);
        });
        return [...wrong];
    }

    // Meanings ------------------------------------------------------------------------------------------------------------

    /** What is told by a colour has to be told by words or by a shape as well. */
    function byColourAlone() {
        const wrong = new Set();
        const told = new Map();
        for (const one of [...scope().querySelectorAll("[data-state], [data-kind], [data-wrong], .alarm, .overdue, #warnings li, .trouble span")].filter(visible)) {
            const words = one.innerText.trim();
            if (!words) wrong.add(`${name(one)}: no words`);
            // Two conditions of one thing have two texts.
            const kind = one.closest(".states") ? `state ${[...one.closest(".states").querySelectorAll("dd")].indexOf(one)}` : one.className;
            const condition = one.dataset.state ?? one.dataset.wrong;
            const known = told.get(`${kind}: ${words}`);
            if (condition !== undefined && known !== undefined && known !== condition) wrong.add(`${name(one)}: ${known} and ${condition} have the same words`);
            told.set(`${kind}: ${words}`, condition);
            if (one.matches("dd")) {
                const icon = one.querySelector(".icon");
                const shape = icon && visible(icon) && icon.querySelector("path").getAttribute("d");
                const other = told.get(`shape ${shape}`);
                if (!shape || (other !== undefined && other !== words)) wrong.add(`${name(one)}: its shape is not its own`);
                told.set(`shape ${shape}`, words);
            }
        }
        for (const one of controls().filter((each) => each.localName === "button")) {
            const solid = ["solid", "dotted"].includes(style(one).borderTopStyle);
            if (solid === one.matches('[aria-disabled="true"]')) wrong.add(`${name(one)}: whether it can be used is told by its colour alone`);
        }
        return [...wrong];
    }

    /** What the server says of each session, against what can be read of it: what is not confirmed never looks as if it were. */
    function unconfirmed(page, states) {
        const wrong = [];
        for (const { UCCName, CorrelationId, RecordingState, Recorder } of page.Sessions) {
            const row = [...document.querySelectorAll("#sessions > li")].find((one) => one.querySelector(".id").textContent === CorrelationId);
            if (!row) continue;
            const of = `${UCCName} ${CorrelationId}`;
            const said = row.querySelector("dd").innerText.trim();
            if (said !== states[RecordingState]) wrong.push(`${of}: the state is ${states[RecordingState]}, and the page says ${said}`);
            if (!Recorder) continue;
            const line = row.querySelector(".recorder-line").innerText;
            const { Pending, Overdue, PausedSince, SilenceConfirmed, Holds } = Recorder;
            const waits = Pending !== null && (!Pending.IsRepeat || Pending.LastError !== null);
            const expected = [
                ["what is not confirmed", waits, /not confirmed|(Start|Paus|Stopp)ing…/],
                ["that it is overdue", Overdue, /Overdue/],
                ["when silence was confirmed", SilenceConfirmed !== null, /silence last confirmed \d\d:\d\d:\d\d/],
            ];
            for (const [what, is, text] of expected) if (text.test(line) !== is) wrong.push(`${of}: the line says ${is ? "nothing of " : ""}${what}: ${line}`);
            for (const holder of Holds) if (!line.includes(holder)) wrong.push(`${of}: ${holder} holds it, which the page does not say`);
            if (PausedSince === null && said === "Paused") wrong.push(`${of}: Paused, and never paused`);
        }
        return wrong;
    }

    // Keyboard ------------------------------------------------------------------------------------------------------------

    const atRest = new Map();
    /** Notes how each control looks without the focus; gives how many there are that keys must reach. */
    function rest() {
        atRest.clear();
        for (const one of controls()) atRest.set(one, style(one).outlineStyle);
        return [...atRest.keys()].filter((one) => !one.disabled).length;
    }

    /** Which control has the focus, and what is wrong with how that is shown. */
    function focused() {
        const one = document.activeElement;
        if (!one || one === document.body || one.localName === "html") return { at: -1, wrong: [] };
        const at = [...atRest.keys()].filter((each) => !each.disabled).indexOf(one);
        const wrong = [];
        const its = style(one);
        const width = parseFloat(its.outlineWidth);
        if (its.outlineStyle === "none" || width < 2 || its.outlineStyle === atRest.get(one)) wrong.push(`${name(one)}: its focus is not seen`);
        else {
            const found = ratio(one, its.outlineColor, chainOf(one.parentElement));
            if (!(found >= 3)) wrong.push(`${name(one)}: its focus has a contrast of ${found.toFixed(2)}`);
        }
        const box = one.getBoundingClientRect();
        const room = Math.max(0, width + parseFloat(its.outlineOffset));
        const ring = { left: box.left - room, right: box.right + room, top: box.top - room, bottom: box.bottom + room };
        for (const around of chainOf(one.parentElement)) {
            if (["html", "body"].includes(around.localName) || style(around).overflowX === "visible") continue;
            const edge = around.getBoundingClientRect();
            if (ring.left < edge.left || ring.right > edge.right || ring.top < edge.top || ring.bottom > edge.bottom) wrong.push(`${name(one)}: its focus is cut off`);
        }
        if (ring.left < 0 || ring.top < 0 || ring.right > innerWidth || ring.bottom > innerHeight) wrong.push(`${name(one)}: its focus is outside of the window`);
        return { at, wrong };
    }

    return { wide, contrast, cut, overlapping, byColourAlone, unconfirmed, rest, focused, forbidden: () => violations };
})();
