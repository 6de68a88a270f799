// Reads what a module imports, and sends all wire vectors and all 252 cells through one that imports nothing.
import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";

const [, , path, vectors, transitions] = argv;
const module = new WebAssembly.Module(readFileSync(path));
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) {
  console.log(`imports: ${imports.map(({ module, name }) => `${module}.${name}`).join(", ")}`);
  exit(3);
}
const core = new WebAssembly.Instance(module).exports;
const bytes = () => new Uint8Array(core.memory.buffer);

function put(...texts) {
  const lengths = [];
  let at = core.room();
  for (const text of texts) {
    const encoded = new TextEncoder().encode(text);
    bytes().set(encoded, at);
    at += encoded.length;
    lengths.push(encoded.length);
  }
  return lengths;
}

const get = (from, length) => new TextDecoder().decode(bytes().slice(from, from + length));
const must = (held, what) => {
  if (!held) throw new Error(what);
};

const RECORDING = ["Uninitialized", "Started", "Stopped", "Paused"];
const MARKING = ["None", "Mark", "Unmark"];
const SAVING = ["None", "Save", "Delete"];
const ACTIONS = ["Start", "Stop", "Pause", "Save", "Delete", "Mark", "UnMark"];
const SETTINGS = [
  "recording_api_licensed",
  "use_audio_recording",
  "agent_can_edit_audio_recording",
  "save_recording_by_default",
];

const code = (names, name) => {
  must(names.includes(name), `no code for ${name}`);
  return names.indexOf(name);
};
const state = (recording, marking, saving) =>
  code(RECORDING, recording) | (code(MARKING, marking) << 2) | (code(SAVING, saving) << 4);

function open(world) {
  core.clear();
  for (const ucc of world.uccs) {
    let bits = ucc.repeats === "refuse" ? 16 : 0;
    SETTINGS.forEach((name, at) => (bits |= ucc[name] ? 1 << at : 0));
    must(core.add_ucc(...put(ucc.name), bits), `${ucc.name} is not taken`);
    for (const agent of ucc.agents) must(core.add_agent(...put(agent)), `${agent} is not taken`);
  }
  core.open();
  for (const { ucc, correlation_id, recording, marking, saving } of world.sessions)
    must(core.begin(...put(ucc, correlation_id), state(recording, marking, saving)), `${correlation_id} does not begin`);
}

const { world, cases } = JSON.parse(readFileSync(vectors, "utf8"));
let exact = 0;
for (const one of cases) {
  open(world);
  const [method, target, type, body] = put(one.method, one.target, one.content_type ?? "", one.body ?? "");
  const length = core.answer(method, target, one.content_type == null ? -1 : type, body);
  const reply = get(core.reply(), length);
  const event = core.event_len() === 0 ? null : get(core.event(), core.event_len());
  must(core.status() === one.status, `${one.name}: status ${core.status()}`);
  must(event === one.event, `${one.name}: event ${event}`);
  if (one.reply === undefined) {
    must(JSON.parse(reply).ErrorMessage.ErrorType === one.error_type, `${one.name}: ${reply}`);
  } else {
    must(reply === one.reply, `${one.name}: ${reply}`);
    exact += 1;
  }
}

const cells = readFileSync(transitions, "utf8").trim().split("\n").slice(1);
for (const cell of cells) {
  const [recording, marking, saving, action, , ...after] = cell.split(",");
  const to = core.apply(state(recording, marking, saving), code(ACTIONS, action) + 1);
  must(to === state(...after), `${cell}: leads to ${to}`);
}
must(exact > 0 && cells.length === 252, "too little was tried");
console.log(`imports nothing; answers ${cases.length} wire vectors and ${cells.length} cells`);
