/** Which UCC is shown, and as which of its agents the page acts. */

import { element, make, sayInFull, setText, setUsable } from "./dom";
import * as server from "./server";

const KEY = "recording-console-agents";
const UCC_KEY = "recording-console-ucc";
const FORBIDDEN = "The settings of this UCC let no agent change recordings";

/** The agents chosen so far, by UCC. Kept until the tab is closed. */
function chosen(): Record<string, string> {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
}

export class Acting {
  private readonly uccs = element("ucc", HTMLSelectElement);
  private readonly agents = element("agent", HTMLSelectElement);
  private readonly note = element("agent-note", HTMLElement);
  private readonly beginButton = element("begin", HTMLButtonElement);
  private canEdit = false;
  private more = false;

  constructor(
    private readonly onUcc: () => void,
    private readonly onAgent: () => void,
    private readonly reachable: () => boolean,
  ) {
    this.uccs.addEventListener("change", () => {
      sessionStorage.setItem(UCC_KEY, this.ucc);
      void this.choose();
    });
    this.agents.addEventListener("change", () => {
      sessionStorage.setItem(KEY, JSON.stringify({ ...chosen(), [this.ucc]: this.agent }));
      this.tell();
      this.onAgent();
    });
    sayInFull(this.uccs, element("ucc-note", HTMLElement));
    sayInFull(this.agents, element("agent-name", HTMLElement));
    this.tell();
  }

  /** The UCC that is shown, or nothing for all of them. */
  get ucc(): string {
    return this.uccs.value;
  }

  /** Who acts, or nothing for nobody. */
  get agent(): string {
    return this.agents.value;
  }

  /** Asks for the UCCs. A single one is chosen at once. */
  async load(): Promise<void> {
    const all = await server.uccs();
    // A page that is loaded again shows what it showed.
    const before = this.ucc || (sessionStorage.getItem(UCC_KEY) ?? "");
    this.uccs.replaceChildren(new Option("All UCCs", ""), ...all.map((one) => new Option(one.UCCName, one.UCCName)));
    const [only, second] = all;
    this.uccs.value = all.some((one) => one.UCCName === before) ? before : "";
    if (only !== undefined && second === undefined) this.uccs.value = only.UCCName;
    await this.choose();
  }

  private async choose(): Promise<void> {
    const ucc = this.ucc;
    this.agents.replaceChildren(new Option("Nobody, only look", ""));
    this.agents.disabled = true;
    this.canEdit = this.more = false;
    this.tell();
    this.onUcc();
    if (!ucc) return;
    let found: server.Agents;
    try {
      found = await server.agents(ucc);
    } catch (error) {
      if (ucc === this.ucc) setText(this.note, `The agents of this UCC are not known: ${(error as Error).message}`);
      return;
    }
    if (ucc !== this.ucc) return;
    this.canEdit = found.AgentCanEditRecordings;
    this.more = found.More;
    this.agents.append(...found.Agents.map((agent) => new Option(agent, agent)));
    const before = chosen()[ucc];
    if (before !== undefined && found.Agents.includes(before)) this.agents.value = before;
    this.agents.disabled = false;
    this.tell();
    this.onAgent();
  }

  /** Why nobody can act on a session of this UCC; nothing if somebody can. */
  hindrance(ucc: string): string {
    if (!this.ucc) return "Choose a UCC and an agent to act";
    if (ucc !== this.ucc) return "This is a session of another UCC";
    if (this.agents.disabled) return "The agents of this UCC are not known";
    if (!this.canEdit) return FORBIDDEN;
    if (!this.agent) return "Choose an agent to act as";
    return "";
  }

  /** Why no test call can begin; nothing if one can. */
  private noTest(): string {
    if (!this.reachable()) return "The server does not answer";
    return this.hindrance(this.ucc);
  }

  /** Shows again what can be done. */
  refresh(): void {
    const why = this.noTest();
    setUsable(this.beginButton, !why);
    this.beginButton.title = why;
  }

  private tell(): void {
    this.refresh();
    if (!this.ucc) setText(this.note, "Choose a UCC and one of its agents to act.");
    else if (this.agents.disabled) setText(this.note, "Asking the server for the agents of this UCC.");
    else if (!this.canEdit) setText(this.note, `${FORBIDDEN}.`);
    else if (!this.agent) setText(this.note, "Choose an agent to act as.");
    else if (this.more) setText(this.note, "Only its first 1000 agents are listed.");
    else setText(this.note, "Every action is sent in the name of this agent.");
  }
}

/** Whether this page began a session. Only such a session can be ended here: it is nobody's call. */
export class Tests {
  private static readonly key = "recording-console-tests";
  private readonly keys: Set<string>;

  constructor() {
    try {
      this.keys = new Set(JSON.parse(sessionStorage.getItem(Tests.key) ?? "[]") as string[]);
    } catch {
      this.keys = new Set();
    }
  }

  has(key: string): boolean {
    return this.keys.has(key);
  }

  add(key: string): void {
    this.keys.add(key);
    this.keep();
  }

  remove(key: string): void {
    this.keys.delete(key);
    this.keep();
  }

  private keep(): void {
    sessionStorage.setItem(Tests.key, JSON.stringify([...this.keys]));
  }
}

/** A GUID of version 4. Not by `randomUUID`, which is not there on a page by plain HTTP from another machine. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The button that begins a test call. */
export function onBegin(begin: () => Promise<void>): void {
  const button = element("begin", HTMLButtonElement);
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true" || button.hasAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    void begin().finally(() => button.removeAttribute("aria-busy"));
  });
}

/** A line under the choices, when something there went wrong. */
export function complain(text: string): void {
  const note = make("p", "note wrong", text);
  note.setAttribute("role", "alert");
  document.querySelector(".choices .complaint")?.remove();
  if (!text) return;
  note.classList.add("complaint");
  document.querySelector(".choices")?.append(note);
}
