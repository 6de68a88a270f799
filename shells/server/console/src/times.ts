/**
 * Since when this page knows of each session.
 *
 * The server keeps no time with a session. So a time is the page's own: it saw a session begin if the whole list had been
 * looked at just before and the session was not on it; otherwise it only knows since when it has seen it.
 */

import { now } from "./server";

export interface Known {
  /** When the page first saw the session, in milliseconds. */
  since: number;
  /** Whether the session began then, as far as two looks close together can show it. */
  began: boolean;
  /** The last change of which the page heard. */
  change?: { action: string; at: number };
}

const KEY = "recording-console-times";
/** How many sessions are remembered; the oldest is forgotten first. */
const KEPT = 2000;
/** How many changes of sessions that have not been seen are remembered. */
const EARLY = 200;
/** A look this long after the last one, in milliseconds, shows no beginning. */
const CLOSE = 10_000;

export class Times {
  private known = new Map<string, Known>();
  /** Changes of sessions that no look has shown yet, as of one that has just begun. */
  private readonly early = new Map<string, Pick<Known, "change">>();
  /** The last look at a whole list. */
  private last: { question: string; at: number; keys: Set<string> } | undefined;

  constructor() {
    try {
      this.known = new Map(JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as [string, Known][]);
    } catch {
      // A new page knows nothing yet.
    }
  }

  of(key: string): Known | undefined {
    return this.known.get(key);
  }

  /** The answer to this question had these sessions; it was whole if it is not one page of several. */
  saw(question: string, keys: string[], whole: boolean): void {
    const moment = now();
    const before = this.last?.question === question ? this.last : undefined;
    const close = whole && before !== undefined && moment - before.at <= CLOSE;
    const there = new Set(keys);
    // One that went may come again, and is then another call.
    if (whole) for (const key of before?.keys ?? []) if (!there.has(key)) this.known.delete(key);
    for (const key of keys) {
      if (!this.known.has(key)) this.known.set(key, { since: moment, began: close, ...this.early.get(key) });
      this.early.delete(key);
    }
    this.last = whole ? { question, at: moment, keys: there } : undefined;
    this.keep();
  }

  /** An event told of this change, just now. */
  changed(key: string, action: string): void {
    const known = this.known.get(key);
    const change = { action, at: now() };
    if (known !== undefined) {
      known.change = change;
      return;
    }
    this.early.set(key, { change });
    for (const key of this.early.keys()) if (this.early.size > EARLY) this.early.delete(key);
  }

  private keep(): void {
    for (const key of this.known.keys()) {
      if (this.known.size <= KEPT) break;
      this.known.delete(key);
    }
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...this.known]));
    } catch {
      // Then a reload of the page forgets them.
    }
  }
}

/** How long ago something was, in words as short as they can be. */
export function age(since: number): string {
  const seconds = Math.max(0, Math.floor((now() - since) / 1000));
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}
