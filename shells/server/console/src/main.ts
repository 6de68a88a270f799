/** The console page: what is shown, and what its buttons do. */

import { Acting, complain, newId, onBegin, Tests } from "./acting";
import { announce, clock, element, setText } from "./dom";
import { Events } from "./events";
import { type Connection, Live } from "./live";
import { type Desk, keyOf, type Row } from "./row";
import * as server from "./server";
import { Sessions } from "./sessions";

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
let down: Date | undefined;

function showConnection(state: Connection): void {
  element("connection", HTMLElement).dataset["state"] = state;
  setText(element("connection-text", HTMLElement), CONNECTION[state]);
}

/** Says since when the server does not answer. What is shown stays, marked as old. */
function showTrouble(why: Error): void {
  down ??= new Date();
  trouble.hidden = false;
  setText(troubleText, `${why.message} What is shown is of ${clock(down)} or older.`);
  document.body.dataset["stale"] = "";
}

function noTrouble(): void {
  down = undefined;
  trouble.hidden = true;
  delete document.body.dataset["stale"];
}

function askForToken(wrong: boolean): Promise<string> {
  const dialog = element("token-dialog", HTMLDialogElement);
  const input = element("token", HTMLInputElement);
  setText(
    element("token-note", HTMLElement),
    wrong
      ? "The server does not take this token."
      : "This server asks for the admin's token. It is kept until this tab is closed.",
  );
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
    reachable: () => down === undefined,
    isTest: (session) => tests.has(keyOf(session)),
    hindrance: (session) => (down ? "The server does not answer" : acting.hindrance(session.UCCName)),
    act: (row, action) => act(row, action, acting.agent),
    end,
  };
  const sessions: Sessions = new Sessions(desk, {
    answered() {
      if (!down) return;
      noTrouble();
      announce("The server answers again");
      sessions.refresh();
    },
    failed(why) {
      if (why instanceof server.Refused && why.status === 400) {
        beginningNote.hidden = false;
        setText(beginningNote, why.message);
        beginning.setAttribute("aria-invalid", "true");
        return;
      }
      showTrouble(why);
      sessions.refresh();
    },
  });
  const acting = new Acting(
    () => {
      document.body.toggleAttribute("data-looking", acting.agent === "");
      void sessions.want(acting.ucc, beginning.value.trim());
    },
    () => {
      document.body.toggleAttribute("data-looking", acting.agent === "");
      sessions.refresh();
    },
  );

  async function act(row: Row, action: string, agent: string): Promise<void> {
    const before = row.session;
    row.setBusy(action);
    row.tell(`${action} is asked for.`, "asked");
    try {
      const reply = await server.set(before, action, agent);
      if (reply.ErrorMessage) {
        row.tell(`${action} was refused: ${reply.ErrorMessage.Message}`, "wrong");
        announce(`${action} was refused: ${reply.ErrorMessage.Message}`);
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

  onBegin(async () => {
    const [ucc, id] = [acting.ucc, newId()];
    try {
      tests.add(keyOf({ UCCName: ucc, CorrelationId: id }));
      await server.begin(ucc, id);
      complain("");
      await sessions.look();
      // It may stand on another page.
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
    beginningNote.hidden = true;
    beginning.removeAttribute("aria-invalid");
    typed = setTimeout(() => void sessions.want(acting.ucc, beginning.value.trim()), 250);
  });

  const live = new Live({
    event(ucc, id, action) {
      events.add(names.of("StateAction", action), ucc, id);
      sessions.changed(ucc, id);
    },
    connection(state) {
      showConnection(state);
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
