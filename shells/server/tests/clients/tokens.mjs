// Tokens of a real issuer: good ones of each algorithm, new keys, an issuer that is away, and what is refused.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, UCC, SESSION, equal, event, sleep, test, until } from "./harness.mjs";
import { AUDIENCE, CLIENT, Issuer, certificate } from "./issuer.mjs";
import { client } from "./javascript.mjs";

export async function tokens() {
    await Promise.all([
        test("oidc-provider: its tokens open API and hub, whatever signs them, and no others do", good),
        test("oidc-provider: new keys are taken with their first token", rotation),
        test("oidc-provider away: its keys are good until they are too old", away, { patience: 120_000, waits: true }),
    ]);
}

/** An issuer, and a server that accepts its tokens. */
async function both(after, args = [], options = {}) {
    const folder = mkdtempSync(join(tmpdir(), "issuer-"));
    after(() => rmSync(folder, { recursive: true }));
    const certified = certificate(folder);
    const issuer = await new Issuer(certified).start();
    after(() => issuer.stop());
    const all = ["--oidc-issuer", issuer.url, "--oidc-ca", certified.file, "--jwt-audience", AUDIENCE, "--jwt-leeway", "0"];
    const server = await Server.start([...all, ...args], 0, options);
    after(() => server.end("SIGKILL"));
    await until(async () => (await fetch(`${server.admin}/readyz`)).status === 200, "ready");
    return { issuer, server };
}

async function ask(server, token, action) {
    const body = { Action: action, RequesterSipUri: "sip:agent@domain.com", CorrelationId: SESSION, UCCName: UCC };
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const reply = await fetch(`${server.api}/attendantservice/api/recording/set`,
        { method: "POST", headers, body: JSON.stringify(body) });
    return [reply.status, (await reply.json()).RecordingState];
}

const part = (token, at) => JSON.parse(Buffer.from(token.split(".")[at], "base64url"));
const coded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function metric(server, name) {
    const page = await (await fetch(`${server.admin}/metrics`)).text();
    return Number(page.split("\n").find((line) => line.startsWith(`${name} `)).slice(name.length));
}

async function good(after) {
    const { issuer, server } = await both(after, ["--jwt-scope", "recording"]);
    const first = await issuer.token();
    equal([part(first, 0).typ, part(first, 1).aud, part(first, 1).scope, part(first, 1).client_id],
        ["at+jwt", AUDIENCE, "recording", CLIENT], "the issuer's token");
    let changes = 0;
    const listening = client(server.hub, "WebSockets", { options: { accessTokenFactory: () => issuer.token() } });
    await listening.connection.start();
    after(() => listening.connection.stop());
    for (issuer.algorithm of ["RS256", "RS512", "PS256", "ES256", "EdDSA"]) {
        const token = await issuer.token();
        equal(part(token, 0).alg, issuer.algorithm, "the algorithm");
        equal(await ask(server, token, "Pause"), [200, 3], issuer.algorithm);
        equal(await ask(server, token, "Start"), [200, 1], issuer.algorithm);
        changes += 2;
    }
    await until(() => listening.events.length >= changes, "events");
    equal(listening.events.slice(0, 2), [event(3), event(1)], "events");
    const deaf = client(server.hub, "WebSockets", { options: { accessTokenFactory: () => "" } });
    equal(await deaf.connection.start().then(() => "it started", () => "refused"), "refused", "a listener without a token");

    const [, claims, signature] = first.split(".");
    issuer.algorithm = "RS256";
    issuer.seconds = 1;
    const short = await issuer.token();
    issuer.seconds = 300;
    await until(() => Date.now() / 1000 > part(short, 1).exp, "it has expired");
    const refused = {
        "no token": undefined,
        "for another audience": await issuer.token({ resource: "https://another.example" }),
        "without the scope": await issuer.token({ scope: null }),
        "an opaque one": await issuer.token({ resource: null }),
        "one that has expired": short,
        "alg none": `${coded({ ...part(first, 0), alg: "none" })}.${claims}.`,
        "alg none, with a signature": `${coded({ ...part(first, 0), alg: "none" })}.${claims}.${signature}`,
        "another audience under a good signature":
            `${first.split(".")[0]}.${coded({ ...part(first, 1), scope: "more" })}.${signature}`,
    };
    for (const [what, token] of Object.entries(refused)) {
        equal(await ask(server, token, "Pause"), [401, undefined], what);
    }
    equal(await ask(server, first, "Pause"), [200, 3], "the first one is still good");
}

async function rotation(after) {
    const { issuer, server } = await both(after);
    const old = await issuer.token();
    equal(await ask(server, old, "Pause"), [200, 3], "before");
    await issuer.rotate();
    const fresh = await issuer.token();
    equal(part(old, 0).kid === part(fresh, 0).kid, false, "the key's name");
    equal(await ask(server, fresh, "Start"), [200, 1], "the first token of a new key");
    equal(await ask(server, old, "Pause"), [401, undefined], "a token of a withdrawn key");
    equal(await metric(server, 'recording_issuer_fetches_total{outcome="changed"}'), 2, "fetches");
}

async function away(after) {
    const { issuer, server } = await both(after, ["--oidc-max-age", "30"], { stdio: ["pipe", "pipe", "pipe"] });
    let log = "";
    server.child.stderr.on("data", (data) => (log += data));
    const token = await issuer.token();
    await issuer.stop();
    const failed = 'recording_issuer_fetches_total{outcome="unreachable"}';
    await until(async () => (await metric(server, failed)) > 0, "a fetch that fails");
    equal(await ask(server, token, "Pause"), [200, 3], "with keys that could not be fetched again");
    equal([(await fetch(`${server.admin}/readyz`)).status, log], [200, ""], "nothing is wrong yet");
    await sleep(20_000);
    let last;
    for (let tries = 0; (last = (await ask(server, token, "Start"))[0]) === 200; tries += 1) {
        if (tries > 200) throw new Error("the keys are never too old");
        await sleep(500);
    }
    equal(last, 503, "with keys that are too old");
    equal((await fetch(`${server.admin}/readyz`)).status, 503, "/readyz");
    equal(await metric(server, "recording_issuer_keys_usable"), 0, "usable keys");
    for (let tries = 0; log === "" && tries < 50; tries += 1) await sleep(100);
    equal(log.trim().split("\n").map((line) => /ERROR.*the keys are too old: JWTs are answered 503 until/.test(line)), [true], log);
    await issuer.start(issuer.port);
    // The operator's way to not wait for the next try.
    server.child.kill("SIGHUP");
    await until(async () => (await ask(server, token, "Pause"))[0] === 200, "the keys are good again");
}
