/** Sessions that have ended, and whose recorder is still being stopped. They have no state, and are shown apart. */

import { element, isUsable, make, setText, setUsable } from "./dom";
import { RecorderLine } from "./recorder";
import type { ClosingSession } from "./server";

const keyOf = (session: ClosingSession) => `${session.CorrelationId} ${session.UCCName}`;

class ClosingRow {
  readonly element = make("li", "session closing");
  readonly button = make("button", "release", "Release recorder");
  private readonly fate = make("p", "fate");
  private readonly line: RecorderLine;
  private readonly message = make("p", "message");

  constructor(
    public session: ClosingSession,
    release: (row: ClosingRow) => void,
  ) {
    const id = `closing-${session.CorrelationId}-${encodeURIComponent(session.UCCName)}`;
    const title = make("h3", "call");
    title.id = id;
    title.append(make("span", "ucc", session.UCCName), make("span", "id", session.CorrelationId));
    this.line = new RecorderLine(id);
    this.button.type = "button";
    this.button.setAttribute("aria-describedby", id);
    this.button.addEventListener("click", () => {
      if (isUsable(this.button)) release(this);
    });
    this.element.setAttribute("aria-labelledby", id);
    this.message.hidden = true;
    this.message.dataset["kind"] = "wrong";
    this.element.append(title, this.fate, this.button, this.line.element, this.message);
    this.show(session, true);
  }

  show(session: ClosingSession, usable: boolean): void {
    this.session = session;
    const fates: Record<string, string> = { Keep: "its recording is kept", Discard: "its recording is discarded" };
    setText(this.fate, `Ended; ${fates[session.Disposition] ?? "nothing was recorded"}`);
    this.line.show(session.Recorder, usable);
    setUsable(this.button, usable);
  }

  tell(text: string): void {
    this.message.hidden = false;
    setText(this.message, text);
  }
}

export type { ClosingRow };

export class Closing {
  private readonly section = element("closing", HTMLElement);
  private readonly list = element("closing-sessions", HTMLUListElement);
  private readonly rows = new Map<string, ClosingRow>();

  constructor(private readonly release: (row: ClosingRow) => void) {}

  /** Shows these. Tells whether the focus was in one that is gone. */
  show(sessions: ClosingSession[], usable: boolean): boolean {
    const there = new Set(sessions.map(keyOf));
    let lostFocus = false;
    for (const [key, row] of this.rows) {
      if (there.has(key)) continue;
      lostFocus ||= row.element.contains(document.activeElement);
      row.element.remove();
      this.rows.delete(key);
    }
    for (const session of sessions) {
      let row = this.rows.get(keyOf(session));
      if (row === undefined) {
        row = new ClosingRow(session, this.release);
        this.rows.set(keyOf(session), row);
        this.list.append(row.element);
      }
      row.show(session, usable);
    }
    this.section.hidden = sessions.length === 0;
    return lostFocus;
  }

  /** Shows again what can be done. */
  refresh(usable: boolean): void {
    for (const row of this.rows.values()) row.show(row.session, usable);
  }

  find(ucc: string, id: string): ClosingSession | undefined {
    return this.rows.get(`${id} ${ucc}`)?.session;
  }
}
