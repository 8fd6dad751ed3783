// `warm.ts FOLDER` keeps the compiled code of a bundle of scripts when an image is made: it cannot be written while one runs, because the
// file system is read-only then. Each service is started once, for what has run is what is kept.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openKeys, openPrincipals, openStateFolder } from "../compose/state-folder.ts";
import { readChunks } from "./chunks.ts";
import { COMPILED_FOLDER } from "./scripts.ts";

/** How long one service may take, on a machine that builds other things too. */
const START_MS_MAX = 300_000;
const NOWHERE = "http://127.0.0.1:9";

const folder = resolve(process.argv[2] ?? ".");
const work = mkdtempSync(join(tmpdir(), "signalbox-warm-"));
const state = await openStateFolder(join(work, "state"));
await openKeys(state);
await openPrincipals(state, [{ principal: "admin", role: "admin", codeHostLogins: [], tokenFile: "token" }]);

// Where images are made there is neither Terraform nor Git: fakes that say a version, which is all that a start asks them.
const fakes = join(work, "fakes");
mkdirSync(fakes);
for (const program of ["git", "terraform"])
  writeFileSync(
    join(fakes, program),
    `#!${process.execPath}\nconsole.log(JSON.stringify({ terraform_version: "99.0.0" }));\n`,
    { mode: 0o755 },
  );

const env = {
  // Google's libraries would look for a machine of Google's.
  METADATA_SERVER_DETECTION: "none",
  NODE_ENV: "production",
  PATH: fakes,
  PORT: "0",
  SIGNALBOX_API_URL: NOWHERE,
  SIGNALBOX_GATEWAY_PORT: "0",
  SIGNALBOX_PUSH_TOKEN: "a push token of a start for its cache, long enough to be one",
  SIGNALBOX_STATE: state.root,
  SIGNALBOX_SUBSCRIBERS: `registry=${NOWHERE}`,
};
const services = Object.keys((await readChunks(folder)).services);
if (services.length === 0) throw new Error(`The bundle in ${folder} has no service.`);
const compiled = join(folder, COMPILED_FOLDER);
mkdirSync(compiled, { recursive: true });
// Not the folder itself: an image gives it alone to this user.
for (const kept of readdirSync(compiled)) rmSync(join(compiled, kept));
for (const service of services) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "compile.ts"), folder, service],
    { env, encoding: "utf8", timeout: START_MS_MAX, killSignal: "SIGKILL" },
  );
  if (status !== 0) throw new Error(`${service} ended with ${status ?? signal}:\n${stdout}${stderr}`);
}
rmSync(work, { recursive: true, force: true });
process.stdout.write(`Compiled ${services.length} services: ${services.join(", ")}.\n`);
