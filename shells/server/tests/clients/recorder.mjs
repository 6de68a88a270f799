// A recorder that speaks HTTP, as docs/recorder.md has it. It keeps the fence; what it does with a call is the test's choice.
import { once } from "node:events";
import { createServer } from "node:http";

const BECOMES = { Record: "Recording", Pause: "Paused", Stop: "Off" };

export class Recorder {
    #server;
    /** What it is doing and the greatest number that it has seen, by call. */
    #calls = new Map();
    #moods = new Map();

    /** `port` 0 takes a free one. */
    static async start(port = 0) {
        const recorder = new Recorder();
        recorder.#server = createServer((request, response) => {
            let body = "";
            request.on("data", (data) => (body += data));
            request.on("end", () => recorder.#answer(request, body, response));
        });
        recorder.#server.listen(port, "127.0.0.1");
        await once(recorder.#server, "listening");
        recorder.port = recorder.#server.address().port;
        recorder.url = `http://127.0.0.1:${recorder.port}/orders`;
        return recorder;
    }

    /** What it does with orders for this call: it `obeys`, `fails` with status 500, is `silent`, or `records` whatever is ordered. */
    be(mood, call) {
        this.#moods.set(call, mood);
    }

    #answer(request, body, response) {
        const reply = (status, document) =>
            response.writeHead(status, { "content-type": "application/json" }).end(document && JSON.stringify(document));
        if (request.method === "GET") {
            const call = new URL(request.url, this.url).searchParams.get("CorrelationId");
            if (call === null) return reply(200);
            const known = this.#calls.get(call);
            return known ? reply(200, { RecorderState: known.state, Number: known.number }) : reply(404);
        }
        const order = JSON.parse(body);
        const known = this.#calls.get(order.CorrelationId) ?? { state: "Recording", number: 0 };
        if (order.Number < known.number) return reply(409);
        known.number = order.Number;
        this.#calls.set(order.CorrelationId, known);
        const mood = this.#moods.get(order.CorrelationId) ?? "obeys";
        if (mood === "silent") return undefined;
        if (mood === "fails") return reply(500);
        known.state = mood === "records" ? "Recording" : BECOMES[order.Order];
        return reply(200, { RecorderState: known.state });
    }

    /** Ends it at once, as if it had been killed. */
    async end() {
        this.#server.closeAllConnections();
        this.#server.close();
        await once(this.#server, "close");
    }
}
