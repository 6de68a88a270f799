/** The list of open sessions: a page of it, kept fresh. */

import { Closing, type ClosingRow } from "./closing";
import { announce, element, isUsable, setText, setUsable } from "./dom";
import { type Desk, keyOf, Row } from "./row";
import * as server from "./server";
import type { Times } from "./times";

const LIMIT = 100;
/** Beginnings and ends of sessions are no events: they are looked for. */
const EVERY = 3000;
/** Events that come close together are answered by one look. */
const SOON = 150;

export interface Watcher {
  answered(): void;
  failed(why: Error): void;
  release(row: ClosingRow): void;
}

export class Sessions {
  private readonly list = element("sessions", HTMLUListElement);
  private readonly empty = element("empty", HTMLElement);
  private readonly title = element("sessions-title", HTMLElement);
  private readonly range = element("range", HTMLElement);
  private readonly previous = element("previous", HTMLButtonElement);
  private readonly next = element("next", HTMLButtonElement);
  private readonly pages = element("pages", HTMLElement);
  private readonly order = element("order", HTMLSelectElement);
  private readonly recorder = element("recorder", HTMLSelectElement);
  private readonly rows = new Map<string, Row>();
  private readonly closing: Closing;
  private page: server.Page | undefined;
  /** Whether what is shown answers what is wanted. */
  private answered = false;
  /** Where the pages before this one, and this one, began. */
  private begins: (string | null)[] = [null];
  private following: string | null = null;
  /** An id of `null` is one that no session can have. */
  private wanted: { ucc: string; id: string | null } = { ucc: "", id: "" };
  /** Counts what was asked, so that an answer to an old question is dropped. */
  private question = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly desk: Desk,
    private readonly times: Times,
    private readonly watcher: Watcher,
  ) {
    this.closing = new Closing((row) => watcher.release(row));
    this.previous.addEventListener("click", () => {
      if (!isUsable(this.previous)) return;
      this.begins.pop();
      void this.turn();
    });
    this.next.addEventListener("click", () => {
      if (!isUsable(this.next)) return;
      this.begins.push(this.following);
      void this.turn();
    });
    this.order.addEventListener("change", () => this.arrange());
    this.recorder.addEventListener("change", () => this.arrange(true));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.look();
    });
  }

  private async turn(): Promise<void> {
    setUsable(this.previous, false);
    setUsable(this.next, false);
    await this.look();
    this.title.focus();
  }

  /** Shows other sessions, from the first page on. */
  async want(ucc: string, id: string | null): Promise<void> {
    this.wanted = { ucc, id };
    this.begins = [null];
    this.answered = false;
    await this.look();
  }

  /** Looks again soon: the session may have changed. */
  changed(ucc: string, id: string): void {
    if (this.rows.has(keyOf({ UCCName: ucc, CorrelationId: id }))) this.later(SOON);
  }

  private later(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (document.hidden) this.later(EVERY);
      else void this.look();
    }, milliseconds);
  }

  /** Asks for the page and shows it. Throws only if the server refuses the question. */
  async look(): Promise<void> {
    const question = ++this.question;
    try {
      const after = this.begins.at(-1) ?? null;
      const { ucc, id } = this.wanted;
      // The server is asked all the same, so that the page knows whether it answers.
      const page = await server.sessions({ ucc, id: id ?? "", after, limit: id === null ? 1 : LIMIT });
      if (question !== this.question) return;
      this.show(id === null ? { Sessions: [], Next: null } : page);
      this.watcher.answered();
    } catch (error) {
      if (question !== this.question) return;
      if (!this.answered) this.showNothing();
      this.watcher.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      if (question === this.question) this.later(EVERY);
    }
  }

  /** What is there of an older question would be taken for the answer to this one. */
  private showNothing(): void {
    for (const row of this.rows.values()) row.element.remove();
    this.rows.clear();
    this.closing.show([], false);
    this.page = undefined;
    this.empty.hidden = false;
    setText(this.empty, "Not known: the server does not answer.");
    setText(this.range, "");
    this.pages.hidden = true;
  }

  private show(page: server.Page): void {
    this.page = page;
    this.answered = true;
    this.following = page.Next;
    const keys = page.Sessions.map(keyOf);
    if (this.wanted.id !== null) this.times.saw(JSON.stringify(this.wanted), keys, this.isWhole());
    const there = new Set(keys);
    let lostFocus = false;
    for (const [key, row] of this.rows) {
      if (there.has(key)) continue;
      lostFocus ||= row.hasFocus();
      row.element.remove();
      this.rows.delete(key);
    }
    for (const session of page.Sessions) {
      const row = this.rows.get(keyOf(session));
      if (row === undefined) this.rows.set(keyOf(session), new Row(session, this.desk));
      else row.show(session);
    }
    if (this.closing.show(page.Closing ?? [], this.desk.reachable())) lostFocus = true;
    this.arrange();
    if (lostFocus) {
      this.title.focus();
      announce("The session is no longer open");
    }
    setUsable(this.previous, this.begins.length > 1);
    setUsable(this.next, page.Next !== null);
    this.pages.hidden = this.isWhole();
  }

  /** Whether one page has all that was asked for. */
  private isWhole(): boolean {
    return this.begins.length === 1 && this.following === null;
  }

  /** Puts the rows that the filter lets through in their order. Those in use stay, unless somebody chose another filter. */
  private arrange(chosen = false): void {
    if (this.page === undefined) return;
    const wanted = this.recorder.value;
    const rows = [...this.rows.values()].filter(
      (row) => this.isWanted(row, wanted) || (!chosen && row.element.isConnected && row.isInUse()),
    );
    rows.sort(this.compare());
    const shown = new Set(rows);
    for (const row of this.rows.values()) if (!shown.has(row)) row.element.remove();
    // Rows that stay are not moved: moving one takes the focus from it.
    let before = this.list.firstElementChild;
    for (const row of rows) {
      if (row.element === before) before = before.nextElementSibling;
      else this.list.insertBefore(row.element, before);
    }
    this.empty.hidden = rows.length > 0;
    setText(this.empty, this.nothing(this.page));
    setText(this.range, this.told(this.page, rows.length) + this.amiss());
  }

  private isWanted(row: Row, wanted: string): boolean {
    if (wanted === "unconfirmed") return row.isUnconfirmed;
    if (wanted === "overdue") return row.isOverdue;
    return !wanted || row.recorder === wanted;
  }

  private compare(): (one: Row, other: Row) => number {
    const byText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
    const since = (row: Row) => this.times.of(row.key)?.since ?? 0;
    const byId = (one: Row, other: Row) => byText(one.key, other.key);
    switch (this.order.value) {
      case "newest":
        return (one, other) => since(other) - since(one) || byId(one, other);
      case "id":
        return byId;
      case "ucc":
        return (one, other) => byText(one.session.UCCName, other.session.UCCName) || byId(one, other);
      default:
        return (one, other) => since(one) - since(other) || byId(one, other);
    }
  }

  /** Lets all states through. */
  showEveryState(): void {
    this.recorder.value = "";
    this.arrange();
  }

  private nothing(page: server.Page): string {
    if (page.Next !== null) return "None among those on this page. There are more on the next page.";
    if (page.Sessions.length > 0 && this.begins.length > 1) return "None among those on this page. There are more on the pages before.";
    if (page.Sessions.length > 0) return "No open session is in this state.";
    if (this.begins.length > 1) return "No more sessions.";
    return this.wanted.ucc || this.wanted.id !== "" ? "No open session is like that." : "No session is open.";
  }

  private told(page: server.Page, shown: number): string {
    const count = page.Sessions.length;
    const some = shown < count ? `${shown} of ` : "";
    if (this.isWhole()) return some + (count === 1 ? "1 session" : `${count} sessions`);
    const last = page.Next === null ? ", the last one" : "";
    return `Page ${this.begins.length}, ${some}${count} on it${last}; ordered within the page`;
  }

  /** How many are not as they should be: in a long list they may be far below. */
  private amiss(): string {
    const all = [...this.rows.values()];
    const [unconfirmed, overdue] = [all.filter((row) => row.isUnconfirmed).length, all.filter((row) => row.isOverdue).length];
    return (unconfirmed ? `; ${unconfirmed} not confirmed` : "") + (overdue ? `; ${overdue} overdue` : "");
  }

  /** Shows again what can be done. */
  refresh(): void {
    for (const row of this.rows.values()) row.refresh();
    this.closing.refresh(this.desk.reachable());
  }

  /** One that is closing. */
  closingOne(ucc: string, id: string): server.ClosingSession | undefined {
    return this.closing.find(ucc, id);
  }

  row(ucc: string, id: string): Row | undefined {
    return this.rows.get(keyOf({ UCCName: ucc, CorrelationId: id }));
  }
}
