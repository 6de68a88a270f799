// An issuer that is none of this project's: oidc-provider, over TLS, below a path, with the client credentials grant and resource
// indicators, so that its access tokens are JWTs (RFC 9068) with an audience and a scope.
//
// It also runs alone: node issuer.mjs FOLDER PORT writes ca.crt, and the client's secret, into the folder.
import { execFileSync } from "node:child_process";
import { generateKeyPair, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

// Its warnings are for those who run it for others: it keeps everything in memory, and on Node 20.
const warn = console.warn;
console.warn = (text) => String(text).includes("oidc-provider WARNING") || warn(text);
const { Provider } = await import("oidc-provider");

const PATH = "/realms/calls";
const FAMILIES = {
    RS256: ["rsa", { modulusLength: 2048 }],
    RS512: ["rsa", { modulusLength: 2048 }],
    PS256: ["rsa", { modulusLength: 2048 }],
    ES256: ["ec", { namedCurve: "P-256" }],
    EdDSA: ["ed25519", {}],
};

export const AUDIENCE = "https://recording.example";
export const CLIENT = "payments";

/** A key for each algorithm that tokens are signed with. Other tests go on meanwhile. */
async function keys() {
    const make = promisify(generateKeyPair);
    return Promise.all(Object.entries(FAMILIES).map(async ([alg, family]) => {
        const { privateKey } = await make(...family);
        return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg };
    }));
}

export class Issuer {
    /** What the next token is like. */
    algorithm = "RS256";
    seconds = 300;

    constructor(certificate, secret = randomUUID()) {
        this.certificate = certificate;
        this.secret = secret;
    }

    async start(port = 0) {
        const { cert, key } = this.certificate;
        this.server = createServer({ cert, key }, (incoming, outgoing) => {
            if (!incoming.url.startsWith(`${PATH}/`)) return outgoing.writeHead(404).end();
            incoming.originalUrl = incoming.url;
            incoming.url = incoming.url.slice(PATH.length);
            return this.answer(incoming, outgoing);
        });
        await once(this.server.listen(port, "127.0.0.1"), "listening");
        this.port = this.server.address().port;
        this.url ??= `https://localhost:${this.port}${PATH}`;
        if (!this.answer) await this.rotate();
        return this;
    }

    async stop() {
        this.server.closeAllConnections();
        await new Promise((done) => this.server.close(done));
    }

    /** New keys, and none of the old ones. */
    async rotate() {
        const provider = new Provider(this.url, {
            clients: [{
                client_id: CLIENT, client_secret: this.secret, grant_types: ["client_credentials"], redirect_uris: [],
                response_types: [],
            }],
            jwks: { keys: await keys() },
            scopes: ["recording"],
            clientAuthMethods: ["client_secret_basic"],
            features: {
                clientCredentials: { enabled: true },
                devInteractions: { enabled: false },
                resourceIndicators: {
                    enabled: true,
                    defaultResource: () => undefined,
                    getResourceServerInfo: () => ({
                        scope: "recording", accessTokenFormat: "jwt", accessTokenTTL: this.seconds,
                        jwt: { sign: { alg: this.algorithm } },
                    }),
                },
            },
            ttl: { ClientCredentials: () => this.seconds },
        });
        this.answer = provider.callback();
    }

    /** An access token, as a client gets it. */
    async token({ resource = AUDIENCE, scope = "recording" } = {}) {
        const body = new URLSearchParams({ grant_type: "client_credentials" });
        for (const [name, value] of Object.entries({ resource, scope })) if (value) body.set(name, value);
        const asked = request(`${this.url}/token`, {
            method: "POST", ca: this.certificate.ca, agent: false, auth: `${CLIENT}:${this.secret}`,
            headers: { "content-type": "application/x-www-form-urlencoded" },
        });
        asked.end(body.toString());
        const [reply] = await once(asked, "response");
        const text = (await reply.setEncoding("utf8").toArray()).join("");
        if (reply.statusCode !== 200) throw new Error(`the issuer: ${reply.statusCode} ${text}`);
        return JSON.parse(text).access_token;
    }
}

/** A new authority and a certificate of it for localhost, in a folder. */
export function certificate(folder) {
    const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=Authority of this issuer");
    openssl("req", ...key, "-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=issuer");
    writeFileSync(join(folder, "ext"), "subjectAltName=DNS:localhost\n");
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tls.crt", "-days", "2",
        "-extfile", "ext");
    const read = (name) => readFileSync(join(folder, name));
    return { ca: read("ca.crt"), cert: read("tls.crt"), key: read("tls.key"), file: join(folder, "ca.crt") };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [folder, port] = process.argv.slice(2);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const issuer = new Issuer(certificate(folder));
    writeFileSync(join(folder, "secret"), issuer.secret, { mode: 0o600 });
    await issuer.start(Number(port));
    console.log(`${issuer.url} gives tokens to ${CLIENT} for ${AUDIENCE}`);
}
