/** Asks before what cannot be undone by the next button. */

import { element, setText } from "./dom";

/** The session that is asked about. One that is closing has no states. */
interface Asked {
  UCCName: string;
  CorrelationId: string;
  RecordingState?: number;
  SavingState?: number;
}

export interface Question {
  title: string;
  note: string;
  /** What the button that does it says. */
  yes: string;
}

export type Answer = "yes" | "no" | "changed";

/**
 * What is to be asked before this action; nothing if it is done at once. `recorder` is the name of the state it is in, `pending`
 * the action that is not confirmed yet.
 */
export function questionOf(action: string, recorder: string, pending: string): Question | undefined {
  if (action === "Start" && recorder !== "Paused" && pending === "Pause") {
    return {
      title: "Take the pause back?",
      note: "Somebody asked for it, perhaps because a card number is to be spoken, and the recorder has not confirmed it. What is said after Start is recorded.",
      yes: "Start recording",
    };
  }
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

export const END_HOLDS: Question = {
  title: "End all holds of this call?",
  note: "Then any agent may start its recording again, also while a card number is being spoken to the one who holds it.",
  yes: "End holds",
};

export const RELEASE: Question = {
  title: "Give this call's recorder up?",
  note: "Only if the recorder no longer exists: nothing more is sent to it. One that still exists may go on recording.",
  yes: "Release recorder",
};

export class Confirm {
  private readonly dialog = element("confirm", HTMLDialogElement);
  private readonly yes = element("confirm-yes", HTMLButtonElement);
  private asked: Asked | undefined;
  private hasChanged = false;
  private before: Promise<unknown> = Promise.resolve();

  constructor() {
    // The second click of a double click on a row's button is not meant for the button that is there now.
    this.yes.addEventListener("click", (event) => {
      if (event.detail > 1) event.preventDefault();
    });
  }

  /** Asks, with the focus on the answer that does nothing; after the end of the question before, if there is one. */
  ask(session: Asked, question: Question): Promise<Answer> {
    const answer = this.before.then(() => this.show(session, question));
    this.before = answer;
    return answer;
  }

  /** Takes the question back if the session is not any more what was asked about. */
  check(find: (session: Asked) => Asked | undefined): void {
    const asked = this.asked;
    if (asked === undefined) return;
    const now = find(asked);
    if (now !== undefined && now.RecordingState === asked.RecordingState && now.SavingState === asked.SavingState) return;
    this.hasChanged = true;
    this.dialog.close();
  }

  private show(session: Asked, question: Question): Promise<Answer> {
    setText(element("confirm-title", HTMLElement), question.title);
    setText(element("confirm-ucc", HTMLElement), session.UCCName);
    setText(element("confirm-id", HTMLElement), session.CorrelationId);
    setText(element("confirm-note", HTMLElement), question.note);
    setText(this.yes, question.yes);
    this.asked = session;
    this.hasChanged = false;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => {
      // It comes a moment after the dialog has gone: a question that did not wait for it would be answered by it.
      const answer = (): void => {
        this.asked = undefined;
        resolve(this.hasChanged ? "changed" : this.dialog.returnValue === "yes" ? "yes" : "no");
      };
      this.dialog.addEventListener("close", answer, { once: true });
    });
  }
}
