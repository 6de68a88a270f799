// Runs all tests, and tells of each.
import { report } from "./harness.mjs";
import { browser } from "./browser.mjs";
import { theConsole } from "./console.mjs";
import { elsewhere } from "./elsewhere.mjs";
import { javascript } from "./javascript.mjs";
import { lives } from "./lives.mjs";
import { python } from "./python.mjs";
import { tokens } from "./tokens.mjs";

// The slow ones wait most of their time: they run next to the others.
await Promise.all([javascript(), python(), browser(), theConsole(), lives(), elsewhere(), tokens()]);
process.exit(report());
