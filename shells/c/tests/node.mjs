// The table of transitions and the wire vectors through the shared library, by koffi: `node node.mjs LIBRARY HEADER`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { argv, env, exit } from "node:process";

// koffi stands where ../check installed it.
const koffi = createRequire(env.NODE_PACKAGES + "/")("koffi");
const vectors = new URL("../../../tests/vectors/", import.meta.url);
const RECORDING = ["Uninitialized", "Started", "Stopped", "Paused"];
const MARKING = ["None", "Mark", "Unmark"];
const SAVING = ["None", "Save", "Delete"];
const byte = (recording, marking, saving) =>
    RECORDING.indexOf(recording) | (MARKING.indexOf(marking) << 2) | (SAVING.indexOf(saving) << 4);

const [library, header] = argv.slice(2);
const lib = koffi.load(library);
const number = (name) => Number(readFileSync(header, "utf8").match(new RegExp(`^#define ${name} (\\d+)$`, "m"))[1]);

const rc_text = koffi.struct("rc_text", { data: "const uint8_t *", len: "size_t" });
koffi.struct("rc_request", { method: rc_text, target: rc_text, content_type: rc_text, body: rc_text });
const rc_buffer = koffi.struct("rc_buffer", { data: "uint8_t *", capacity: "size_t", len: "size_t" });
koffi.struct("rc_answer", {
    reply: rc_buffer, event: rc_buffer, allow: "const char *", audit_name: "const char *", status: "uint16_t", action: "uint8_t",
});
koffi.struct("rc_transition", { state: "uint8_t", outcome: "uint8_t" });
koffi.struct("rc_capacities", { sessions: "uint32_t", uccs: "uint32_t", agents: "uint32_t", text: "uint32_t" });
koffi.struct("rc_settings", {
    recording_api_licensed: "uint8_t", use_audio_recording: "uint8_t", agent_can_edit_audio_recording: "uint8_t",
    save_recording_by_default: "uint8_t", repeats: "uint8_t",
});
const rc = Object.fromEntries(
    [
        "uint32_t rc_abi_version()",
        "const char *rc_status_text(int status)",
        "rc_transition rc_apply(uint8_t state, uint8_t action)",
        "uint8_t rc_action_of_name(rc_text name)",
        "size_t rc_desk_size(const rc_capacities *capacities)",
        "int rc_desk_init(void *memory, size_t size, const rc_capacities *capacities, _Out_ void **desk)",
        "int rc_desk_add_ucc(void *desk, rc_text name, const rc_settings *settings)",
        "int rc_desk_add_agent(void *desk, rc_text ucc, rc_text uri)",
        "int rc_desk_begin(void *desk, rc_text ucc, rc_text correlation_id, uint8_t state)",
        "int rc_desk_handle(void *desk, const rc_request *request, _Inout_ rc_answer *answer)",
    ].map((declaration) => [declaration.match(/(rc_\w+)\(/)[1], lib.func(declaration)]),
);

const text = (string) => {
    const data = string == null ? null : Buffer.from(string);
    return { data, len: data === null ? 0 : data.length };
};
const need = (status) => {
    if (status !== 0) throw new Error(rc.rc_status_text(status));
};

function answer(world, wanted) {
    const capacities = { sessions: 16, uccs: 16, agents: 16, text: 1024 };
    const size = rc.rc_desk_size(capacities);
    // Memory of C's, for it must stay where it is.
    const memory = koffi.alloc("uint64_t", size / 8);
    const place = [null];
    need(rc.rc_desk_init(memory, size, capacities, place));
    const desk = place[0];
    for (const ucc of world.uccs) {
        const on = (name) => Number(ucc[name]);
        need(rc.rc_desk_add_ucc(desk, text(ucc.name), {
            recording_api_licensed: on("recording_api_licensed"),
            use_audio_recording: on("use_audio_recording"),
            agent_can_edit_audio_recording: on("agent_can_edit_audio_recording"),
            save_recording_by_default: on("save_recording_by_default"),
            repeats: Number(ucc.repeats === "refuse"),
        }));
        for (const agent of ucc.agents) need(rc.rc_desk_add_agent(desk, text(ucc.name), text(agent)));
    }
    for (const { ucc, correlation_id, recording, marking, saving } of world.sessions)
        need(rc.rc_desk_begin(desk, text(ucc), text(correlation_id), byte(recording, marking, saving)));
    const request = {
        method: text(wanted.method), target: text(wanted.target), content_type: text(wanted.content_type), body: text(wanted.body),
    };
    const room = (capacity) => ({ data: koffi.alloc("uint8_t", capacity), capacity, len: 0 });
    const said = {
        reply: room(number("RC_REPLY_MAX")), event: room(number("RC_EVENT_MAX")), allow: null, audit_name: null, status: 0, action: 0,
    };
    need(rc.rc_desk_handle(desk, request, said));
    const told = ({ data, len }) => Buffer.from(koffi.decode(data, "uint8_t", Number(len))).toString();
    const answered = { status: said.status, reply: told(said.reply), event: Number(said.event.len) ? told(said.event) : null };
    for (const piece of [memory, said.reply.data, said.event.data]) koffi.free(piece);
    return answered;
}

function faults(wanted, { status, reply, event }) {
    const wrong = [];
    if (status !== wanted.status) wrong.push(`status ${status}`);
    if (event !== wanted.event) wrong.push(`event ${event}`);
    if (wanted.reply !== undefined) {
        if (reply !== wanted.reply) wrong.push(`reply ${reply}`);
        return wrong;
    }
    const document = JSON.parse(reply);
    const error = document.ErrorMessage ?? {};
    if (Object.keys(document).length !== 1 || error.ErrorType !== wanted.error_type) wrong.push(`not the bare error: ${reply}`);
    if (wanted.names_field && !error.Message.includes(wanted.names_field)) wrong.push(`${reply} names no ${wanted.names_field}`);
    return wrong;
}

if (rc.rc_abi_version() !== number("RC_ABI_VERSION")) throw new Error("the library is not that of the header");
const rows = readFileSync(new URL("transitions.csv", vectors), "utf8").trim().split(/\r?\n/).slice(1).map((row) => row.split(","));
const OUTCOMES = {
    changed: [number("RC_OUTCOME_CHANGED")],
    unchanged: [number("RC_OUTCOME_UNCHANGED")],
    refused: [number("RC_OUTCOME_NOT_STARTED"), number("RC_OUTCOME_STOPPED")],
};
let failed = 0;
for (const [recording, marking, saving, action, outcome, ...after] of rows) {
    const got = rc.rc_apply(byte(recording, marking, saving), rc.rc_action_of_name(text(action)));
    if (got.state !== byte(...after) || !OUTCOMES[outcome].includes(got.outcome)) {
        failed++;
        console.log(`node: ${recording}/${marking}/${saving} ${action}: ${got.state} ${got.outcome}`);
    }
}
console.log(`node: ${rows.length} transitions, ${failed} failed`);
const { world, cases } = JSON.parse(readFileSync(new URL("wire.json", vectors), "utf8"));
let wrongCases = 0;
for (const wanted of cases) {
    const wrong = faults(wanted, answer(world, wanted));
    if (wrong.length) {
        wrongCases++;
        console.log(`node: ${wanted.name}: ${wrong.join("; ")}`);
    }
}
console.log(`node: ${cases.length} wire vectors, ${wrongCases} failed`);
exit(failed || wrongCases || rows.length !== 252 || cases.length <= 100 ? 1 : 0);
