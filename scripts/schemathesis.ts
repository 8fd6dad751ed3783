// Asks a really running control plane what its OpenAPI document says may be asked, and much that it says may not, with
// Schemathesis (a Python tool, installed once, pinned, below .signalbox/). Fails on any 5xx and on any answer that the document does not allow.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openIssuer, WORKFLOW_API } from "./compose/open-workflows.ts";
import { makeEnvironment } from "./python-environment.ts";
import { knownNames, namesText } from "./schemathesis-names.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, ".signalbox", "schemathesis");
const REQUIREMENTS = join(ROOT, ".ci", "schemathesis.txt");
const SETTINGS = join(ROOT, ".ci", "schemathesis.toml");
/** Installing takes 10 to 40 seconds on a good line. */
const INSTALL_MS = 5 * 60_000;
/** Schemathesis ends by itself (`max-time`); this is for when it does not. */
const RUN_MS_MAX = 150_000;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;
/** Processes of the tool that ask at one time. One computes for two thirds of its time and waits for the server for the rest. */
const ASKERS = 2;
/** Exit code that says: this machine cannot run it. */
const SKIPPED = 75;
const OUTPUT_LINES_MAX = 400;

const say = (sentence: string): void => void process.stdout.write(`${sentence}\n`);

/** The folder of the tool's programs; made once for each list of pinned packages. */
async function install(): Promise<string> {
  const environment = join(FOLDER, "environment");
  const digest = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex");
  const stamp = join(environment, "signalbox-release");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return join(environment, "bin");
  say("Making a Python environment with Schemathesis (once, half a minute) …");
  await makeEnvironment(environment, ["--requirement", REQUIREMENTS], { timeMs: INSTALL_MS });
  await writeFile(stamp, digest);
  return join(environment, "bin");
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

/** Starts a control plane on the folder, on free ports; answers its address when it is up. */
async function start(state: string): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const args = ["cli/signalbox.ts", "--state", state, "start", "--port", "0", "--gateway-port", "0"];
  const server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const late = setTimeout(() => server.kill("SIGKILL"), START_MS_MAX);
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /API and page\s+(http:\/\/\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    clearTimeout(late);
    server.stdout.resume();
    return { url, server };
  }
  throw new Error("The control plane did not start: see above.");
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null)
    throw new Error(`The control plane ended while it was asked (${server.exitCode ?? server.signalCode}).`);
  const late = setTimeout(() => server.kill("SIGKILL"), STOP_MS_MAX);
  server.kill("SIGTERM");
  await ended(server);
  clearTimeout(late);
}

/** What the log calls an error of ours: also one that was answered as something else. */
async function defects(state: string): Promise<readonly string[]> {
  const lines = (await readFile(join(state, "signalbox.log"), "utf8")).split("\n");
  return lines.filter((line) => line.includes('"severity":"ERROR"') && line.includes('"reason":"DEFECT"'));
}

/** The tool's credentials are for the questions, not for reading the description. */
async function fetchDescription(url: string, token: string): Promise<string> {
  const response = await fetch(`${url}/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`/v1/openapi.json answered ${response.status}: ${await response.text()}`);
  return response.text();
}

/** The paths of each process. All operations of a path stay together: what is not allowed there is asked too. */
const dealt = (paths: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: ASKERS }, (_, asker) => paths.filter((_path, index) => index % ASKERS === asker));

interface Question {
  readonly bin: string;
  readonly url: string;
  readonly settings: string;
  readonly description: string;
  readonly tokens: Readonly<Record<string, string>>;
}

/** One process of the tool, which asks about these paths; answers its exit code and what it had to say. */
async function askAbout(
  paths: readonly string[],
  { bin, url, settings, description, tokens }: Question,
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const args = ["--config-file", settings, "--no-color", "run", description, "--url", url];
  const child = spawn(
    join(bin, "schemathesis"),
    [...args, ...paths.flatMap((path) => ["--include-path", path])],
    {
      cwd: FOLDER,
      env: {
        ...process.env,
        ...tokens,
        SCHEMATHESIS_HOOKS: "schemathesis_checks",
        PYTHONPATH: join(ROOT, ".ci"),
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const late = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
  const code = ended(child);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  clearTimeout(late);
  return { code: await code, lines };
}

async function ask(bin: string, state: string, url: string): Promise<number> {
  const token = (await readFile(join(state, "token"), "utf8")).trim();
  const issuerKey = await readFile(join(state, "secrets", "issuer-key"), "utf8");
  const workflowToken = await openIssuer({ issuerKey }).mint(WORKFLOW_API);
  const settings = join(FOLDER, "schemathesis.toml");
  const names = await knownNames(url, token);
  say(`Names of this instance: ${[...names].map(([key, ids]) => `${ids.length} ${key}`).join(", ")}.`);
  await writeFile(settings, `${await readFile(SETTINGS, "utf8")}\n${namesText(names)}`);
  const description = join(FOLDER, "openapi.json");
  const text = await fetchDescription(url, token);
  await writeFile(description, text);
  const { paths } = JSON.parse(text) as { readonly paths: Readonly<Record<string, unknown>> };
  const tokens = { SIGNALBOX_TOKEN: token, SIGNALBOX_WORKFLOW_TOKEN: workflowToken };
  const question = { bin, url, settings, description, tokens };
  const shares = dealt(Object.keys(paths));
  const answers = await Promise.all(shares.map((share) => askAbout(share, question)));
  for (const [index, { code, lines }] of answers.entries()) {
    const full = join(FOLDER, `report-${index + 1}.txt`);
    await writeFile(full, `${lines.join("\n")}\n`);
    const shown = code === 0 ? lines.slice(-30) : lines.slice(0, OUTPUT_LINES_MAX);
    say(shown.join("\n"));
    if (shown.length < lines.length) say(`The whole report is in ${full}.`);
  }
  return Math.max(...answers.map(({ code }) => code));
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { state: { type: "string" }, install: { type: "boolean" } } });
  if (spawnSync("python3", ["--version"]).status !== 0) {
    say("Python 3 is not here: Schemathesis cannot be run, and the API is not asked from outside.");
    return SKIPPED;
  }
  let bin: string;
  try {
    bin = await install();
  } catch (error) {
    say(`Schemathesis cannot be installed: ${(error as Error).message}`);
    say("The API is not asked from outside.");
    return SKIPPED;
  }
  if (values.install === true) return 0;
  // A copy, so that the same state and seed can be asked again.
  const state = join(FOLDER, "state");
  await rm(state, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  if (values.state !== undefined) await cp(values.state, state, { recursive: true });
  await rm(join(state, "signalbox.log"), { force: true });
  const { url, server } = await start(state);
  let code = 1;
  try {
    code = await ask(bin, state, url);
  } finally {
    await stop(server);
  }
  const found = await defects(state);
  if (found.length > 0) say(`Defects in the log:\n${found.slice(0, 20).join("\n")}`);
  return found.length > 0 ? 1 : code;
}

process.exitCode = await main();
