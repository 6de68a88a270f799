/** Which recorders are away, or may not be used. */

import { announce, element, make } from "./dom";
import * as server from "./server";

const EVERY = 5000;
/** A server that has just started has not asked its recorders yet: what is still so after this is worth a warning. */
const STILL = 1000;

/** What is wrong with a recorder; nothing if nothing is. */
function wrong(recorder: server.Recorder): string {
  const sessions = recorder.Sessions === 1 ? "1 session" : `${recorder.Sessions} sessions`;
  const of = recorder.Sessions > 0 ? ` It has ${sessions}.` : "";
  if (!recorder.Configured) return `Recorder ${recorder.Name} is no longer in the config.${of}`;
  if (recorder.Usable === false) {
    return `Recorder ${recorder.Name} is not used: ${recorder.Reason ?? "it failed its self-test"}.${of}`;
  }
  return recorder.Answers ? "" : `Recorder ${recorder.Name} does not answer.${of}`;
}

/** What is wrong, by the recorder's name. */
async function ask(): Promise<Map<string, string>> {
  const all = (await server.recorders()).map((recorder): [string, string] => [recorder.Name, wrong(recorder)]);
  return new Map(all.filter(([, text]) => text !== ""));
}

export class Warnings {
  private readonly banner = element("warnings", HTMLUListElement);
  private shown: string[] = [];

  /** Looks now, and from then on again and again. */
  async watch(): Promise<void> {
    try {
      if (!document.hidden) this.show(await this.look());
    } catch {
      // The list of sessions says that the server does not answer.
    }
    setTimeout(() => void this.watch(), EVERY);
  }

  private async look(): Promise<string[]> {
    const first = await ask();
    if ([...first.values()].every((text) => this.shown.includes(text))) return [...first.values()];
    await new Promise((resolve) => setTimeout(resolve, STILL));
    return [...(await ask())].filter(([name]) => first.has(name)).map(([, text]) => text);
  }

  private show(texts: string[]): void {
    if (texts.join("\n") === this.shown.join("\n")) return;
    for (const text of texts) if (!this.shown.includes(text)) announce(text);
    this.shown = texts;
    this.banner.replaceChildren(...texts.map((text) => make("li", "", text)));
    this.banner.hidden = texts.length === 0;
  }
}
