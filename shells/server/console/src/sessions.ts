/** The list of open sessions: a page of it, kept fresh. */

import { announce, element, isUsable, setText, setUsable } from "./dom";
import { type Desk, keyOf, Row } from "./row";
import * as server from "./server";

const LIMIT = 50;
/** Beginnings and ends of sessions are no events: they are looked for. */
const EVERY = 3000;
/** Events that come close together are answered by one look. */
const SOON = 150;

export interface Watcher {
  answered(): void;
  failed(why: Error): void;
}

export class Sessions {
  private readonly list = element("sessions", HTMLUListElement);
  private readonly empty = element("empty", HTMLElement);
  private readonly title = element("sessions-title", HTMLElement);
  private readonly range = element("range", HTMLElement);
  private readonly previous = element("previous", HTMLButtonElement);
  private readonly next = element("next", HTMLButtonElement);
  private readonly rows = new Map<string, Row>();
  /** Where the pages before this one, and this one, began. */
  private begins: (string | null)[] = [null];
  private following: string | null = null;
  private wanted = { ucc: "", id: "" };
  /** Counts what was asked, so that an answer to an old question is dropped. */
  private question = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly desk: Desk,
    private readonly watcher: Watcher,
  ) {
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
  async want(ucc: string, id: string): Promise<void> {
    this.wanted = { ucc, id };
    this.begins = [null];
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
      const page = await server.sessions({ ...this.wanted, after, limit: LIMIT });
      if (question !== this.question) return;
      this.show(page);
      this.watcher.answered();
    } catch (error) {
      if (question !== this.question) return;
      this.watcher.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      if (question === this.question) this.later(EVERY);
    }
  }

  private show(page: server.Page): void {
    let lostFocus = false;
    const there = new Set(page.Sessions.map(keyOf));
    for (const [key, row] of this.rows) {
      if (there.has(key)) continue;
      lostFocus ||= row.hasFocus();
      row.element.remove();
      this.rows.delete(key);
    }
    // Rows that stay are not moved: moving one takes the focus from it.
    let before = this.list.firstElementChild;
    for (const session of page.Sessions) {
      const key = keyOf(session);
      let row = this.rows.get(key);
      if (row === undefined) {
        row = new Row(session, this.desk);
        this.rows.set(key, row);
      } else {
        row.show(session);
      }
      if (row.element === before) before = before.nextElementSibling;
      else this.list.insertBefore(row.element, before);
    }
    if (lostFocus) {
      this.title.focus();
      announce("The session is no longer open");
    }
    this.following = page.Next;
    setUsable(this.previous, this.begins.length > 1);
    setUsable(this.next, page.Next !== null);
    this.empty.hidden = page.Sessions.length > 0;
    setText(this.empty, this.nothing(page));
    setText(this.range, this.told(page));
  }

  private nothing(page: server.Page): string {
    if (page.Next !== null) return "None among those looked at. There are more on the next page.";
    if (this.begins.length > 1) return "No more sessions.";
    return this.wanted.ucc || this.wanted.id ? "No open session is like that." : "No session is open.";
  }

  private told(page: server.Page): string {
    const count = page.Sessions.length;
    const number = this.begins.length;
    if (number === 1 && page.Next === null) return count === 1 ? "1 session" : `${count} sessions`;
    return `Page ${number}, ${count} on it${page.Next === null ? ", the last one" : ""}`;
  }

  /** Shows again what can be done. */
  refresh(): void {
    for (const row of this.rows.values()) row.refresh();
  }

  row(ucc: string, id: string): Row | undefined {
    return this.rows.get(keyOf({ UCCName: ucc, CorrelationId: id }));
  }
}
