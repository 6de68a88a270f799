/** One session of the list. Its elements stay the same while it is shown, so that a focus stays where it is. */

import { announce, clock, isUsable, make, setText, setUsable } from "./dom";
import { icon } from "./icons";
import { actionOf, pendingText, RecorderLine } from "./recorder";
import { type Names, now, type Session } from "./server";
import { age, type Known } from "./times";

/** How the actions are laid out; which of them can be used is the server's affair. */
const GROUPS: [string, string[]][] = [
  ["Recorder", ["Start", "Pause", "Stop"]],
  ["Mark", ["Mark", "UnMark"]],
  ["Keep", ["Save", "Delete"]],
];

const AXES = [
  ["Recorder", "RecordingState"],
  ["Mark", "MarkingState"],
  ["Keep", "SavingState"],
] as const;

/** The recorder's state that an action is for. */
const REACHES: Record<string, string> = { Start: "Started", Pause: "Paused", Stop: "Stopped" };

export interface Desk {
  names: Names;
  /** Since when the page knows of the session. */
  known(session: Session): Known | undefined;
  /** Whether this page began the session. */
  isTest(session: Session): boolean;
  /** Whether the server answered last time. */
  reachable(): boolean;
  /** Why nobody can act on the session, or nothing if somebody can. */
  hindrance(session: Session): string;
  act(row: Row, action: string): Promise<void>;
  end(row: Row): Promise<void>;
  endHolds(row: Row): Promise<void>;
}

export const keyOf = (session: { UCCName: string; CorrelationId: string }) =>
  `${session.CorrelationId} ${session.UCCName}`;

export class Row {
  readonly element = make("li", "session");
  readonly key: string;
  private readonly states = AXES.map(() => make("dd", "state"));
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly endButton = make("button", "end", "End");
  private readonly message = make("p", "message");
  private readonly since = make("p", "since");
  private readonly change = make("span", "change");
  private readonly line: RecorderLine;
  private busy = "";
  /** What was asked for here, and the recorder had not confirmed when the reply came. */
  private awaited = "";
  /** Whether no reply came at all. */
  private unanswered = false;

  constructor(
    public session: Session,
    private readonly desk: Desk,
  ) {
    this.key = keyOf(session);
    const id = `session-${session.CorrelationId}-${encodeURIComponent(session.UCCName)}`;
    const title = make("h3", "call");
    title.id = id;
    const ucc = make("span", "ucc", session.UCCName);
    const number = make("span", "id", session.CorrelationId);
    title.append(ucc, number);
    const list = make("dl", "states");
    AXES.forEach(([name], at) => {
      const pair = make("div");
      pair.append(make("dt", "", name), this.states[at] ?? make("dd"));
      list.append(pair);
    });
    this.element.setAttribute("aria-labelledby", id);
    this.since.append(make("span", "began"), this.change);
    this.line = new RecorderLine(id, () => void this.desk.endHolds(this));
    this.element.append(title, list, this.since, this.line.element, this.actions(id), this.message);
    this.message.hidden = true;
    this.show(session);
  }

  private actions(id: string): HTMLElement {
    const actions = make("div", "actions");
    for (const [name, members] of GROUPS) {
      const group = make("div", "group");
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", name);
      for (const action of members) {
        const button = make("button", "", action);
        button.type = "button";
        button.setAttribute("aria-describedby", id);
        button.dataset["action"] = action;
        button.addEventListener("click", () => {
          if (isUsable(button)) void this.desk.act(this, action);
        });
        this.buttons.set(action, button);
        group.append(button);
      }
      actions.append(group);
    }
    this.endButton.type = "button";
    this.endButton.setAttribute("aria-describedby", id);
    this.endButton.addEventListener("click", () => {
      if (isUsable(this.endButton)) void this.desk.end(this);
    });
    actions.append(this.endButton);
    return actions;
  }

  /** Shows what the server last said of the session. */
  show(session: Session): void {
    this.session = session;
    this.settle();
    AXES.forEach(([, kind], at) => {
      const name = this.desk.names.of(kind, session[kind]);
      const state = this.states[at];
      if (state === undefined || state.dataset["state"] === name) return;
      state.dataset["state"] = name;
      state.replaceChildren(icon(name), make("span", "", name));
    });
    this.refresh();
  }

  /** From now on the row says what becomes of this action, which is not confirmed yet or was not answered. */
  follow(action: string, unanswered: boolean): void {
    this.awaited = action;
    this.unanswered = unanswered;
  }

  /** Says what became of what was not confirmed in time: else its message would go on saying that it is not done. */
  private settle(): void {
    if (!this.awaited || this.pending === this.awaited) return;
    const reached = REACHES[this.awaited] === this.recorder;
    // What was not answered may still be on its way.
    if (this.unanswered && !reached) return;
    const done = this.unanswered ? `The call is ${this.recorder} now.` : `${this.awaited} is confirmed now.`;
    const text = reached ? done : `${this.awaited} is no longer pending.`;
    this.awaited = "";
    this.tell(text, reached ? "done" : "wrong");
    announce(text);
  }

  /** Shows again which buttons can be used. */
  refresh(): void {
    const hindrance = this.desk.hindrance(this.session);
    for (const [action, button] of this.buttons) {
      // What is pending can be asked for again: it is then sent at once, and its outcome comes back.
      const again = this.pending === action && this.session.Allowed.includes(action);
      const changing = again || this.session.Changing.includes(action);
      setUsable(button, !hindrance && !this.busy && changing);
      button.title = hindrance || (changing ? "" : this.session.Allowed.includes(action) ? "Already so" : "Not in this state");
      if (this.busy === action) button.setAttribute("aria-busy", "true");
      else button.removeAttribute("aria-busy");
    }
    this.showTimes();
    this.line.show(this.session.Recorder, !this.busy && this.desk.reachable());
    this.endButton.hidden = !this.desk.isTest(this.session);
    setUsable(this.endButton, !this.busy && this.desk.reachable());
  }

  private showTimes(): void {
    const known = this.desk.known(this.session);
    const began = this.since.firstElementChild;
    if (known === undefined || began === null) return;
    const at = new Date(known.since);
    setText(began, `${known.began ? "began" : "seen since"} ${clock(at)} · ${age(known.since)}`);
    this.since.title = known.began
      ? `Began shortly before ${at.toISOString()}: it was not there when this page looked before.`
      : `This page has seen it since ${at.toISOString()}. The server does not keep when a session began.`;
    setText(this.change, known.change ? `${known.change.action} ${clock(new Date(known.change.at))}` : "");
  }

  /** Whether something here is still to be read or done, so that no filter may take it away. */
  isInUse(): boolean {
    return this.busy !== "" || !this.message.hidden || this.hasFocus();
  }

  /** The name of the recorder's state. */
  get recorder(): string {
    return this.desk.names.of("RecordingState", this.session.RecordingState);
  }

  /** Whether its recorder has not confirmed what it was asked for, however often; or records although it was paused. */
  get isUnconfirmed(): boolean {
    const recorder = this.session.Recorder;
    return recorder !== undefined && (recorder.FoundRecording !== null || (pendingText(recorder)?.wrong ?? false));
  }

  /** The action whose order the recorder has not confirmed yet; nothing if there is none. */
  get pending(): string {
    const pending = this.session.Recorder?.Pending;
    return pending && !pending.IsRepeat ? actionOf(pending.Order) : "";
  }

  get isOverdue(): boolean {
    return this.session.Recorder?.Overdue ?? false;
  }

  /** From now on something is being done, or nothing any more. */
  setBusy(what: string): void {
    this.busy = what;
    if (what) this.awaited = "";
    this.refresh();
  }

  tell(text: string, kind: "asked" | "done" | "wrong"): void {
    this.message.hidden = false;
    this.message.dataset["kind"] = kind;
    setText(this.message, kind === "asked" ? text : `${clock(new Date(now()))} ${text}`);
  }

  /** Says that this page began the session, and brings it into view. */
  began(): void {
    this.tell("This test call began.", "done");
    this.element.scrollIntoView({ block: "nearest" });
  }

  hasFocus(): boolean {
    return this.element.contains(document.activeElement);
  }
}
