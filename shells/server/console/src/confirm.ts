/** Asks before what cannot be undone by the next button. */

import { element, setText } from "./dom";
import type { Session } from "./server";

export interface Question {
  title: string;
  note: string;
  /** What the button that does it says. */
  yes: string;
}

export type Answer = "yes" | "no" | "changed";

/** What is to be asked before this action; nothing if it is done at once. `recorder` is the name of the state it is in. */
export function questionOf(action: string, recorder: string): Question | undefined {
  if (action === "Start" && (recorder === "Paused" || recorder === "Stopped")) {
    return {
      title: "Start the recording again?",
      note:
        recorder === "Paused"
          ? "Somebody paused it, perhaps because a card number is being spoken. What is said after Start is recorded."
          : "Somebody stopped it. What is said after Start is recorded.",
      yes: "Start recording",
    };
  }
  if (action === "Delete") {
    return {
      title: "Delete the recording of this call?",
      note: "When the call ends, its recording is discarded and cannot be brought back. Until then Save takes this back.",
      yes: "Delete recording",
    };
  }
  return undefined;
}

export class Confirm {
  private readonly dialog = element("confirm", HTMLDialogElement);
  private readonly yes = element("confirm-yes", HTMLButtonElement);
  private asked: Session | undefined;
  private answer: (answer: Answer) => void = () => {};

  constructor() {
    // The second click of a double click on a row's button is not meant for the button that is there now.
    this.yes.addEventListener("click", (event) => {
      if (event.detail > 1) event.preventDefault();
    });
    this.dialog.addEventListener("close", () => this.done(this.dialog.returnValue === "yes" ? "yes" : "no"));
  }

  /** Asks, with the focus on the answer that does nothing. */
  ask(session: Session, question: Question): Promise<Answer> {
    setText(element("confirm-title", HTMLElement), question.title);
    setText(element("confirm-ucc", HTMLElement), session.UCCName);
    setText(element("confirm-id", HTMLElement), session.CorrelationId);
    setText(element("confirm-note", HTMLElement), question.note);
    setText(this.yes, question.yes);
    this.asked = session;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => (this.answer = resolve));
  }

  /** Takes the question back if the session is not any more what was asked about. */
  check(find: (session: Session) => Session | undefined): void {
    const asked = this.asked;
    if (asked === undefined) return;
    const now = find(asked);
    if (now?.RecordingState === asked.RecordingState && now.SavingState === asked.SavingState) return;
    this.done("changed");
    this.dialog.close();
  }

  private done(answer: Answer): void {
    if (this.asked === undefined) return;
    this.asked = undefined;
    this.answer(answer);
  }
}
