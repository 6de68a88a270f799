/** Small help with the page's elements. */

/** The arrow of a choice, in pixels. */
const ARROW = 20;

/** The element with this id, which must be of this kind. */
export function element<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) {
    throw new Error(`the page has no ${id}`);
  }
  return found;
}

/** A new element with these classes and this text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  classes = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}

/** Changes a text only if it is another one, so that nothing is read out twice. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Has the note say in full what the choice has no room for: a field cuts off a long name, and its beginning may be another's. */
export function sayInFull(choice: HTMLSelectElement, note: HTMLElement): void {
  const ruler = document.createElement("canvas").getContext("2d");
  const say = () => {
    const style = getComputedStyle(choice);
    const text = choice.selectedOptions[0]?.text ?? "";
    if (ruler) ruler.font = style.font;
    const room = choice.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - ARROW;
    note.hidden = (ruler?.measureText(text).width ?? 0) <= room;
    setText(note, note.hidden ? "" : text);
  };
  choice.addEventListener("change", say);
  // Its options may come later than its width.
  new MutationObserver(say).observe(choice, { childList: true });
  new ResizeObserver(say).observe(choice);
}

/** A button that cannot be used now. It keeps its focus, which `disabled` would take from it. */
export function setUsable(button: HTMLButtonElement, usable: boolean): void {
  if (usable) button.removeAttribute("aria-disabled");
  else button.setAttribute("aria-disabled", "true");
}

export function isUsable(button: HTMLButtonElement): boolean {
  return button.getAttribute("aria-disabled") !== "true";
}

/** The time of day in UTC, as in the server's log and trail, whatever clock and language the browser has. */
export function clock(at: Date): string {
  return at.toISOString().slice(11, 19);
}

const announcer = () => element("announcer", HTMLElement);
let announced: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Has a screen reader say this. What comes at once is said together, so that a busy server does not talk for ever. */
export function announce(text: string): void {
  announced.push(text);
  timer ??= setTimeout(() => {
    const [only] = announced;
    announcer().textContent =
      announced.length <= 3 ? announced.join(". ") : `${announced.length} changes, the last one: ${announced.at(-1)}`;
    if (only === undefined) announcer().textContent = "";
    announced = [];
    timer = undefined;
  }, 700);
}
