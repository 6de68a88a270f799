/** What the page asks the server. */

/** A session as the list tells it. */
export interface Session {
  UCCName: string;
  CorrelationId: string;
  RecordingState: number;
  MarkingState: number;
  SavingState: number;
  Allowed: string[];
  Changing: string[];
  /** Not there if the session has no recorder. */
  Recorder?: SessionRecorder;
}

/** What is known of a session's recorder. What is pending is not reached. */
export interface SessionRecorder {
  Name: string;
  Call: string | null;
  Pending: { Order: string; IsRepeat: boolean; Since: string | null; TimesSent: number; LastError: string | null } | null;
  PausedSince: string | null;
  SilenceConfirmed: string | null;
  Overdue: boolean;
  Holds: string[];
  HoldsOfNoAgent: number;
  FoundRecording: string | null;
}

/** A session that has ended, and whose recorder is still being stopped. */
export interface ClosingSession {
  UCCName: string;
  CorrelationId: string;
  Disposition: string;
  Recorder: SessionRecorder;
}

/** How a recorder is. */
export interface Recorder {
  Name: string;
  Configured: boolean;
  Answers: boolean;
  Usable: boolean | null;
  Reason: string | null;
  Sessions: number;
}

export interface Page {
  Sessions: Session[];
  Closing?: ClosingSession[];
  Next: string | null;
}

export interface Ucc {
  UCCName: string;
  AgentCanEditRecordings: boolean;
  Agents: number;
}

export interface Agents {
  UCCName: string;
  AgentCanEditRecordings: boolean;
  Agents: string[];
  More: boolean;
}

interface ErrorMessage {
  ErrorType: number;
  Message: string;
}

/** The reply to a set. */
export interface StateReply {
  RecordingState: number;
  MarkingState: number;
  SavingState: number;
  ErrorMessage: ErrorMessage | null;
}

/** The server said no, in these words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Nothing came back, so nobody knows what became of it. */
export class NoAnswer extends Error {}

/** How far the server's clock is ahead of this computer's, in milliseconds. */
let ahead = 0;
/** Dates of replies are whole seconds, and a reply takes a while: less than this is no difference. */
const ALIKE = 2000;

/** The time on the server's clock, as its log has it, in milliseconds: this computer's may be wrong. */
export const now = (): number => Date.now() + ahead;

function compareClocks(response: Response): void {
  const difference = Date.parse(response.headers.get("Date") ?? "") - Date.now();
  if (Math.abs(difference - ahead) >= ALIKE) ahead = Math.abs(difference) < ALIKE ? 0 : difference;
}

const KEY = "recording-console-token";
/** Nothing here takes longer, in milliseconds, unless something is wrong. What is read is old meanwhile, and looks new. */
const PATIENCE = { read: 5000, change: 15_000 };

let askForToken: (wrong: boolean) => Promise<string> = () => Promise.reject(new Error("the page cannot ask for tokens"));
let asked: Promise<string> | undefined;

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Who is asked for a token if the server wants one. */
export function onTokenWanted(ask: (wrong: boolean) => Promise<string>): void {
  askForToken = ask;
}

async function newToken(used: string | null): Promise<void> {
  // Somebody else may have been given one meanwhile.
  if (token() !== used) return;
  asked ??= askForToken(used !== null).finally(() => (asked = undefined));
  sessionStorage.setItem(KEY, await asked);
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  for (;;) {
    const used = token();
    const headers: Record<string, string> = {};
    if (used !== null) headers["Authorization"] = `Bearer ${used}`;
    const request: RequestInit = { method, headers, cache: "no-store", signal: AbortSignal.timeout(method === "GET" ? PATIENCE.read : PATIENCE.change) };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response: Response;
    let document: unknown;
    try {
      response = await fetch(path, request);
      compareClocks(response);
      document = await response.json();
    } catch (error) {
      const late = error instanceof Error && error.name === "TimeoutError";
      throw new NoAnswer(late ? "The server does not answer in time." : "The server does not answer.");
    }
    if (response.status === 401) {
      await newToken(used);
      continue;
    }
    if (!response.ok) {
      const error = (document as { ErrorMessage?: ErrorMessage }).ErrorMessage;
      throw new Refused(response.status, error?.Message ?? `The server answers ${response.status}.`);
    }
    return document;
  }
}

export async function sessions(wanted: {
  ucc: string;
  id: string;
  after: string | null;
  limit: number;
}): Promise<Page> {
  const query = [`limit=${wanted.limit}`];
  if (wanted.ucc) query.push(`ucc=${encodeURIComponent(wanted.ucc)}`);
  if (wanted.id) query.push(`id=${encodeURIComponent(wanted.id)}`);
  if (wanted.after) query.push(`after=${encodeURIComponent(wanted.after)}`);
  return (await ask("GET", `/sessions?${query.join("&")}`)) as Page;
}

export async function uccs(): Promise<Ucc[]> {
  return ((await ask("GET", "/uccs")) as { UCCs: Ucc[] }).UCCs;
}

export async function agents(ucc: string): Promise<Agents> {
  return (await ask("GET", `/uccs/${encodeURIComponent(ucc)}`)) as Agents;
}

export async function set(session: Session, action: string, agent: string): Promise<StateReply> {
  return (await ask("POST", "/attendantservice/api/recording/set", {
    Action: action,
    RequesterSipUri: agent,
    CorrelationId: session.CorrelationId,
    UCCName: session.UCCName,
  })) as StateReply;
}

export async function recorders(): Promise<Recorder[]> {
  return ((await ask("GET", "/recorders")) as { Recorders: Recorder[] }).Recorders;
}

/** Lets go of who holds a session, or of the recorder of one that is closing. */
export async function release(session: { UCCName: string; CorrelationId: string }, what: "holds" | "recorder"): Promise<void> {
  await ask("DELETE", `${sessionPath(session.UCCName, session.CorrelationId)}/${what}`);
}

const sessionPath = (ucc: string, id: string) => `/sessions/${encodeURIComponent(ucc)}/${id}`;

/** Begins a session whose recorder runs: what one wants to try is to pause it. */
export async function begin(ucc: string, id: string): Promise<void> {
  await ask("PUT", sessionPath(ucc, id), { RecordingState: 1, MarkingState: 0, SavingState: 0 });
}

export async function end(session: Session): Promise<string> {
  const reply = await ask("DELETE", sessionPath(session.UCCName, session.CorrelationId));
  return (reply as { Disposition: string }).Disposition;
}

/** The names of the codes, as the API's own description has them. */
export class Names {
  private constructor(private readonly schemas: Record<string, { oneOf?: { const: number; title: string }[] }>) {}

  static async ask(): Promise<Names> {
    const document = (await ask("GET", "/openapi.json")) as { components: { schemas: Record<string, object> } };
    return new Names(document.components.schemas);
  }

  of(kind: "RecordingState" | "MarkingState" | "SavingState" | "StateAction", code: number): string {
    const known = this.schemas[kind]?.oneOf?.find((one) => one.const === code);
    return known?.title ?? `code ${code}`;
  }
}
