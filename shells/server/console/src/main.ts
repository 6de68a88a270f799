/** The console page: what is shown, and what its buttons do. */

import { Acting, complain, newId, onBegin, Tests } from "./acting";
import type { ClosingRow } from "./closing";
import { Confirm, END_HOLDS, questionOf, RELEASE } from "./confirm";
import { announce, clock, element, setText } from "./dom";
import { Events } from "./events";
import { type Connection, Live } from "./live";
import { type Desk, keyOf, type Row } from "./row";
import * as server from "./server";
import { Sessions } from "./sessions";
import { Times } from "./times";
import { Warnings } from "./warnings";

const CONNECTION: Record<Connection, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  off: "No live events",
};

const trouble = element("trouble", HTMLElement);
const troubleText = element("trouble-text", HTMLElement);
const beginning = element("beginning", HTMLInputElement);
const beginningNote = element("beginning-note", HTMLElement);
const tests = new Tests();
const events = new Events();
const times = new Times();
const confirm = new Confirm();
let down: Date | undefined;

let connection: Connection = "connecting";

/** A connection for events may look open for a while after its server has gone: it is not live if the server does not answer. */
function showConnection(): void {
  const silent = connection === "live" && down !== undefined;
  element("connection", HTMLElement).dataset["state"] = silent ? "off" : connection;
  setText(element("connection-text", HTMLElement), silent ? "No answer" : CONNECTION[connection]);
}

/** Says since when the server does not answer. What is shown stays, marked as old. */
function showTrouble(why: Error): void {
  down ??= new Date(server.now());
  trouble.hidden = false;
  setText(troubleText, `${why.message} What is shown is the state before ${clock(down)} UTC.`);
  document.body.dataset["stale"] = "";
  showConnection();
}

function noTrouble(): void {
  down = undefined;
  // The button goes, and must not take the focus with it.
  if (trouble.contains(document.activeElement)) element("sessions-title", HTMLElement).focus();
  trouble.hidden = true;
  delete document.body.dataset["stale"];
  showConnection();
}

function askForToken(wrong: boolean): Promise<string> {
  const dialog = element("token-dialog", HTMLDialogElement);
  const input = element("token", HTMLInputElement);
  setText(
    element("token-note", HTMLElement),
    wrong
      ? "The server refused this token."
      : "This server asks for the admin's token. It is kept until this tab is closed.",
  );
  element("token-note", HTMLElement).classList.toggle("wrong", wrong);
  input.setAttribute("aria-invalid", String(wrong));
  input.value = "";
  if (!dialog.open) dialog.showModal();
  // Without a token there is nothing to see: the dialog stays.
  dialog.oncancel = (event) => event.preventDefault();
  return new Promise((resolve) => {
    element("token-form", HTMLFormElement).onsubmit = () => resolve(input.value.trim());
  });
}

async function start(): Promise<void> {
  server.onTokenWanted(askForToken);
  const names = await patiently(() => server.Names.ask());

  const desk: Desk = {
    names,
    known: (session) => times.of(keyOf(session)),
    reachable: () => down === undefined,
    isTest: (session) => tests.has(keyOf(session)),
    hindrance: (session) => (down ? "The server does not answer" : acting.hindrance(session.UCCName)),
    act: (row, action) => act(row, action),
    end,
    endHolds,
  };
  const sessions: Sessions = new Sessions(desk, times, {
    answered() {
      confirm.check(({ UCCName: ucc, CorrelationId: id }) => sessions.row(ucc, id)?.session ?? sessions.closingOne(ucc, id));
      if (!down) return;
      noTrouble();
      announce("The server answers again");
      sessions.refresh();
      acting.refresh();
    },
    failed(why) {
      showTrouble(why);
      sessions.refresh();
      acting.refresh();
    },
    release: (row) => void release(row),
  });
  const acting = new Acting(
    () => {
      document.body.toggleAttribute("data-looking", acting.agent === "");
      want();
    },
    () => {
      document.body.toggleAttribute("data-looking", acting.agent === "");
      sessions.refresh();
    },
    () => down === undefined,
  );

  /** Shows the sessions that the fields above ask for; none if no id can begin as the field says. */
  function want(): void {
    const id = beginning.value.trim();
    const wrong = !/^[0-9a-f-]*$/i.test(id) || (id !== "" && !/^[^-]/.test(id));
    beginningNote.hidden = !wrong;
    setText(beginningNote, wrong ? "An id has only the digits 0 to 9, the letters a to f, and hyphens between them." : "");
    if (wrong) beginning.setAttribute("aria-invalid", "true");
    else beginning.removeAttribute("aria-invalid");
    void sessions.want(acting.ucc, wrong ? null : id);
  }

  function notSent(row: Row, action: string, why: string): void {
    row.tell(`${action} was not sent${why}.`, why ? "wrong" : "asked");
    announce(`${action} was not sent${why}`);
  }

  async function act(row: Row, action: string): Promise<void> {
    const agent = acting.agent;
    let question = questionOf(action, row.recorder, row.pending);
    if (action === "Start" && question === undefined) {
      // What is shown may be seconds old, and a first Start may have become one that resumes.
      row.setBusy(action);
      await sessions.look();
      row.setBusy("");
      question = questionOf(action, row.recorder, row.pending);
    }
    const before = row.session;
    if (question !== undefined) {
      const answer = await confirm.ask(before, question);
      if (answer !== "yes") return notSent(row, action, answer === "no" ? "" : ": the call changed meanwhile");
    }
    const hindrance = desk.hindrance(before);
    if (hindrance) return notSent(row, action, `: ${hindrance}`);
    row.setBusy(action);
    row.tell(`${action} is asked for.`, "asked");
    try {
      const reply = await server.set(before, action, agent);
      if (reply.ErrorMessage) {
        // What a recorder has not confirmed was not refused: it may still be done.
        const pending = before.Recorder !== undefined && reply.ErrorMessage.ErrorType === 1;
        const text = `${action} ${pending ? "is not done" : "was refused"}: ${reply.ErrorMessage.Message}`;
        row.tell(text, "wrong");
        if (pending) row.follow(action, false);
        announce(text);
      } else {
        const same =
          reply.RecordingState === before.RecordingState &&
          reply.MarkingState === before.MarkingState &&
          reply.SavingState === before.SavingState;
        const text = same ? `${action}: it already was so.` : `${action} is done.`;
        row.tell(text, "done");
        announce(text);
      }
    } catch (error) {
      const text =
        error instanceof server.NoAnswer
          ? `${error.message} Nobody knows whether ${action} was done.`
          : `${action} was not done: ${(error as Error).message}`;
      row.tell(text, "wrong");
      if (error instanceof server.NoAnswer) row.follow(action, true);
      announce(text);
    } finally {
      row.setBusy("");
    }
    await sessions.look();
  }

  async function end(row: Row): Promise<void> {
    row.setBusy("End");
    row.tell("The end is asked for.", "asked");
    try {
      const disposition = await server.end(row.session);
      tests.remove(row.key);
      const text = { Keep: "its recording is kept", Discard: "its recording is discarded" }[disposition];
      announce(`The test call ended, ${text ?? "nothing was recorded"}`);
      complain("");
    } catch (error) {
      const text = `The end: ${(error as Error).message}`;
      row.tell(text, "wrong");
      announce(text);
    } finally {
      row.setBusy("");
    }
    await sessions.look();
  }

  async function endHolds(row: Row): Promise<void> {
    const answer = await confirm.ask(row.session, END_HOLDS);
    if (answer !== "yes") return notSent(row, "The end of holds", answer === "no" ? "" : ": the call changed meanwhile");
    row.setBusy("holds");
    try {
      await server.release(row.session, "holds");
      row.tell("The holds are ended.", "done");
      announce("The holds are ended");
    } catch (error) {
      row.tell(`The holds are not ended: ${(error as Error).message}`, "wrong");
      announce(`The holds are not ended: ${(error as Error).message}`);
    } finally {
      row.setBusy("");
    }
    await sessions.look();
  }

  async function release(row: ClosingRow): Promise<void> {
    if ((await confirm.ask(row.session, RELEASE)) !== "yes") return;
    try {
      await server.release(row.session, "recorder");
      announce("The recorder is released");
    } catch (error) {
      row.tell(`The recorder is not released: ${(error as Error).message}`);
      announce(`The recorder is not released: ${(error as Error).message}`);
    }
    await sessions.look();
  }

  onBegin(async () => {
    const [ucc, id] = [acting.ucc, newId()];
    try {
      tests.add(keyOf({ UCCName: ucc, CorrelationId: id }));
      await server.begin(ucc, id);
      complain("");
      await sessions.look();
      // It may be on another page, or not be what the filter shows.
      sessions.showEveryState();
      if (sessions.row(ucc, id) === undefined) {
        beginning.value = id;
        await sessions.want(ucc, id);
      }
      announce(`A test call began in ${ucc}`);
      sessions.row(ucc, id)?.began();
    } catch (error) {
      complain(`No test call began: ${(error as Error).message}`);
    }
  });

  let typed: ReturnType<typeof setTimeout> | undefined;
  beginning.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(want, 250);
  });

  const live = new Live({
    event(ucc, id, action) {
      const name = names.of("StateAction", action);
      events.add(name, ucc, id);
      times.changed(keyOf({ UCCName: ucc, CorrelationId: id }), name);
      sessions.changed(ucc, id);
    },
    connection(state) {
      connection = state;
      showConnection();
      // Whatever happened in between was no event here.
      if (state === "live") void sessions.look();
    },
  });
  element("again", HTMLButtonElement).onclick = () => {
    void sessions.look();
    void live.start();
  };
  await patiently(() => acting.load());
  noTrouble();
  acting.refresh();
  void new Warnings().watch();
  await live.start();
}

/** Does it again until it works, and says what is wrong meanwhile. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      showTrouble(error as Error);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 3000);
        element("again", HTMLButtonElement).onclick = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

void start();
