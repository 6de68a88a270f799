// Writes scripts and styles into dist/, from where the server takes them when it is built. The same input gives the same bytes.
import { build } from "esbuild";

await build({
  entryPoints: { console: "src/main.ts" },
  outdir: "dist",
  bundle: true,
  minify: true,
  platform: "browser",
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  legalComments: "eof",
  charset: "utf8",
  logLevel: "warning",
});
await build({
  entryPoints: { console: "src/console.css" },
  outdir: "dist",
  bundle: true,
  minify: true,
  target: ["chrome109", "firefox115", "safari16"],
  logLevel: "warning",
});
