/** What is said of a session's recorder: what is pending, never as if it were reached. */

import { clock, make, setText, setUsable, isUsable } from "./dom";
import { now, type SessionRecorder } from "./server";
import { age } from "./times";

const ORDERS: Record<string, [string, string, string]> = {
  Record: ["Start", "Starting…", "Start"],
  Pause: ["Pause", "Pausing…", "Pause"],
  Stop: ["Stop", "Stopping…", "Stop"],
};

/** The action that this order carries out. */
export const actionOf = (order: string) => ORDERS[order]?.[0] ?? order;

/** A recorder that says nothing for this long, in milliseconds, has not confirmed: by then the server has answered so, too. */
const LATE = 3000;

const times = (count: number) => (count === 1 ? "once" : `${count} times`);

/** What is pending, in words, and whether it is overdue to be looked into; nothing if all is as it was confirmed. */
export function pendingText(recorder: SessionRecorder): { text: string; wrong: boolean } | undefined {
  const pending = recorder.Pending;
  if (pending === null) return undefined;
  const why = pending.LastError ? `: ${pending.LastError}` : "";
  if (pending.IsRepeat) {
    // Every silent recorder is asked again and again: only what goes wrong is worth a word.
    if (!pending.LastError) return undefined;
    return { text: `Silence not confirmed again, asked ${times(pending.TimesSent)}${why}`, wrong: true };
  }
  const [, going, name] = ORDERS[pending.Order] ?? [pending.Order, `${pending.Order}…`, pending.Order];
  const late = pending.Since !== null && now() - Date.parse(pending.Since) > LATE;
  if (pending.TimesSent <= 1 && !pending.LastError && !late) return { text: going, wrong: false };
  return { text: `${name} not confirmed, sent ${times(pending.TimesSent)}${why}`, wrong: true };
}

const moment = (text: string) => clock(new Date(text));

/** One line about a recorder. Its elements stay the same while it is shown. */
export class RecorderLine {
  readonly element = make("div", "recorder-line");
  private readonly name = make("span", "recorder-name");
  private readonly pending = make("strong", "pending");
  private readonly alarm = make("strong", "alarm");
  private readonly overdue = make("strong", "overdue");
  private readonly silence = make("span", "silence");
  private readonly holds = make("span", "holds");
  private readonly button = make("button", "end-holds", "End holds");

  constructor(describedBy: string, endHolds?: () => void) {
    this.element.tabIndex = -1;
    this.element.append(this.name, this.alarm, this.pending, this.overdue, this.silence, this.holds);
    if (endHolds !== undefined) {
      this.button.type = "button";
      this.button.setAttribute("aria-describedby", describedBy);
      this.button.addEventListener("click", () => {
        if (isUsable(this.button)) endHolds();
      });
      this.element.append(this.button);
    }
    this.show(undefined, true);
  }

  show(recorder: SessionRecorder | undefined, usable: boolean): void {
    this.element.hidden = recorder === undefined;
    if (recorder === undefined) return;
    setText(this.name, `Recorder ${recorder.Name}`);
    this.name.title = recorder.Call ? `It knows the call as ${recorder.Call}` : "";
    const pending = pendingText(recorder);
    this.say(this.pending, pending?.text ?? "");
    this.pending.dataset["wrong"] = String(pending?.wrong ?? false);
    const since = recorder.Pending?.Since;
    this.pending.title = since ? `Pending since ${since}` : "";
    this.say(this.alarm, recorder.FoundRecording ? `Found recording at ${moment(recorder.FoundRecording)}, not silent since` : "");
    const paused = recorder.PausedSince;
    this.say(this.overdue, recorder.Overdue ? `Overdue${paused ? `: paused for ${age(Date.parse(paused))}` : ""}` : "");
    this.say(this.silence, recorder.SilenceConfirmed ? `silence last confirmed ${moment(recorder.SilenceConfirmed)}` : "");
    this.silence.title = recorder.SilenceConfirmed ?? "";
    const holders = recorder.Holds.join(", ");
    this.say(this.holds, holders ? `held by ${holders}` : "");
    const held = recorder.Holds.length + recorder.HoldsOfNoAgent > 0;
    // A button that goes would take the focus with it, and keys would begin at the top again.
    if (!held && document.activeElement === this.button) this.element.focus();
    this.button.hidden = !held;
    setUsable(this.button, usable);
  }

  private say(element: HTMLElement, text: string): void {
    element.hidden = text === "";
    setText(element, text);
  }
}
