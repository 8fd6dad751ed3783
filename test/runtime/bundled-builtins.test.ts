// What a bundle makes of Node's own modules, in a process of its own: which of them have been loaded can only be asked there.
import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { BUILTINS } from "../../scripts/image/builtins.ts";
import { BUNDLED } from "../../scripts/image/bundle.ts";
import { PACKAGES_LATER } from "../../scripts/image/packages-later.ts";
import { temporaryFolder } from "../support/folder.ts";

/** What a bundle of this program prints as JSON: as a package writes it, or as we do (`mjs`). */
async function printed(program: string, form: "cjs" | "mjs" = "cjs"): Promise<unknown> {
  const folder = temporaryFolder();
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
  const source = join(folder, `program.${form}`);
  writeFileSync(source, program);
  const out = join(folder, "bundled.mjs");
  await build({
    ...BUNDLED,
    splitting: false,
    entryPoints: [source],
    outfile: out,
    plugins: [PACKAGES_LATER, BUILTINS],
  });
  const { stdout, stderr } = spawnSync(process.execPath, [out], { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const LOADED = "const loaded = (name) => process.moduleLoadList.includes(`NativeModule ${name}`);";

test("a package that asks for HTTP/2 and TLS and uses neither loads neither", async () => {
  const program = `${LOADED}
    const http2 = require("node:http2"), https = require("https"), assert = require("node:assert");
    assert(true, "holds");
    const before = ["http2", "tls", "assert"].map(loaded);
    const made = http2.createServer() instanceof process.getBuiltinModule("net").Server && typeof https.Agent === "function";
    console.log(JSON.stringify({ before, made, after: ["http2", "tls"].map(loaded) }));`;
  expect(await printed(program)).toEqual({
    before: [false, false, false],
    made: true,
    after: [true, true],
  });
});

test("an assertion of a package that does not hold throws what Node throws", async () => {
  const program = `const assert = require("assert");
    const thrown = (run) => { try { run(); return "nothing"; } catch (error) { return [error.code, error.message, error instanceof assert.AssertionError]; } };
    console.log(JSON.stringify([thrown(() => assert(0, "no")), thrown(() => assert.equal(1, 2, "other")), thrown(() => assert.ok(1))]));`;
  expect(await printed(program)).toEqual([
    ["ERR_ASSERTION", "no", true],
    ["ERR_ASSERTION", "other", true],
    "nothing",
  ]);
});

test("what replaces a property of Node's module replaces it for everybody", async () => {
  const program = `const https = require("node:https"), mine = () => "mine";
    https.request = mine;
    console.log(JSON.stringify([process.getBuiltinModule("https").request === mine, https.request === mine]));`;
  expect(await printed(program)).toEqual([true, true]);
});

test("our own code loads cryptography when it makes the first digest", async () => {
  const program = `import { createHash } from "node:crypto";
    ${LOADED}
    const before = loaded("crypto");
    console.log(JSON.stringify([before, createHash("sha256").update("a").digest("hex").slice(0, 8), loaded("crypto")]));`;
  expect(await printed(program, "mjs")).toEqual([false, "ca978112", true]);
});

test("YAML is read by the package that is loaded then, with its classes and its faults", async () => {
  const program = `import { LineCounter, parse, parseDocument, isMap } from "yaml";
    const lineCounter = new LineCounter();
    const document = parseDocument("a: 1\\nb: [", { lineCounter });
    const { line } = lineCounter.linePos(document.errors[0].pos[0]);
    console.log(JSON.stringify([parse("a: [1, 2]"), isMap(document.contents), line, document.errors.length > 0]));`;
  expect(await printed(program, "mjs")).toEqual([{ a: [1, 2] }, true, 2, true]);
});
