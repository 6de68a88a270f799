// Whether a card number may be spoken: docs/payment-systems.md. Node 18 or newer, no package.
import { fileURLToPath } from "node:url";

export class Payment {
  constructor(api, token) { // "https://…:8080/attendantservice/api/recording"
    this.api = api;
    this.headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  }

  /** The state if the reply says that the request was carried out, else undefined. */
  async send(path, body, signal) {
    try {
      const response = await fetch(`${this.api}/${path}`, {
        method: body ? "POST" : "GET",
        body: body && JSON.stringify(body),
        headers: this.headers,
        redirect: "error", // another host must not get the token, nor answer for this one
        signal,
      });
      const reply = await response.json();
      return response.status === 200 && reply.ErrorMessage === null ? reply.RecordingState : undefined;
    } catch { // no reply, or no reply of this API
      return undefined;
    }
  }

  /** The same, or undefined after two seconds: a signal alone may not end the reading of a slow body. */
  async ask(path, body, end) {
    const late = new AbortController();
    const wait = Math.max(1, Math.min(2000, end - performance.now()));
    const timer = new Promise((resolve) => setTimeout(resolve, wait));
    return Promise.race([this.send(path, body, late.signal), timer]).finally(() => late.abort());
  }

  /** Pauses, and resolves to whether the stored state is one in which nothing is recorded. */
  async maySpeakTheNumber(ucc, session, agent, patience = 6) {
    const pause = { Action: "Pause", RequesterSipUri: agent, CorrelationId: session, UCCName: ucc };
    const end = performance.now() + 1000 * patience;
    while (performance.now() < end) {
      if ((await this.ask("set", pause, end)) === 3) return true;
      if ([0, 2, 3].includes(await this.ask(`${encodeURIComponent(ucc)}/${encodeURIComponent(session)}`, null, end))) return true;
      await new Promise((again) => setTimeout(again, 200));
    }
    return false; // the card number must not be spoken
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) { // node payment.mjs API UCC SESSION AGENT
  const [api, ucc, session, agent] = process.argv.slice(2);
  process.exit(await new Payment(api, process.env.RECORDING_TOKEN).maySpeakTheNumber(ucc, session, agent) ? 0 : 1);
}
