/** The connection to the hub, kept for as long as the page is open. */

import { type HubConnection, HubConnectionBuilder, HubConnectionState, LogLevel } from "@microsoft/signalr";

import { token } from "./server";

/** An event in either spelling that the server may be told to use. */
interface Event {
  UccName?: string;
  CorrelationId?: string;
  StateAction?: number;
  uccName?: string;
  correlationId?: string;
  stateAction?: number;
}

export type Connection = "connecting" | "live" | "reconnecting" | "off";

export interface Listener {
  event(ucc: string, id: string, action: number): void;
  connection(state: Connection): void;
}

/** Seconds until the next try: soon at first, for a restart; then steadily, for as long as it takes. */
const waits = [0, 0.5, 1, 2, 3];
const wait = (tries: number) => (waits[tries] ?? 5) * 1000;

export class Live {
  private readonly hub: HubConnection;
  private tries = 0;
  private wasLive = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly listener: Listener) {
    this.hub = new HubConnectionBuilder()
      .withUrl("/attendantservice/hubs/recording", { accessTokenFactory: () => token() ?? "" })
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: (retry) => wait(retry.previousRetryCount) })
      .configureLogging(LogLevel.None)
      .build();
    this.hub.on("RecordingStateChangedEvent", (event: Event) => {
      const ucc = event.UccName ?? event.uccName;
      const id = event.CorrelationId ?? event.correlationId;
      const action = event.StateAction ?? event.stateAction;
      if (ucc !== undefined && id !== undefined && action !== undefined) listener.event(ucc, id, action);
    });
    this.hub.onreconnecting(() => listener.connection("reconnecting"));
    this.hub.onreconnected(() => listener.connection("live"));
    this.hub.onclose(() => this.later());
  }

  /** Connects, now. */
  async start(): Promise<void> {
    clearTimeout(this.timer);
    if (this.hub.state !== HubConnectionState.Disconnected) return;
    try {
      await this.hub.start();
      this.tries = 0;
      this.wasLive = true;
      this.listener.connection("live");
    } catch {
      this.later();
    }
  }

  private later(): void {
    this.listener.connection(this.wasLive ? "reconnecting" : "off");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.start(), wait(++this.tries));
  }
}
