/** The last events, newest first. */

import { announce, clock, element, make } from "./dom";
import { now } from "./server";

const KEPT = 50;

export class Events {
  private readonly list = element("events", HTMLOListElement);
  private readonly none = element("no-events", HTMLElement);

  add(action: string, ucc: string, id: string): void {
    const item = make("li", "event");
    const at = new Date(now());
    const time = make("time", "", clock(at));
    time.dateTime = at.toISOString();
    time.title = `${at.toLocaleString()} on this computer`;
    const short = make("span", "id", id.slice(0, 8));
    short.title = id;
    item.append(time, make("strong", "", action), make("span", "ucc", ucc), short);
    this.list.prepend(item);
    while (this.list.childElementCount > KEPT) this.list.lastElementChild?.remove();
    this.none.hidden = true;
    announce(`${action}: ${ucc}, ${id.slice(0, 8)}`);
  }
}
