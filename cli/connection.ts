// Finds the running control plane: `--state`, `SIGNALBOX_URL` and `SIGNALBOX_TOKEN`, else the state folders here.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Trust } from "./transport.ts";
import { CommandError, EXIT } from "./exit.ts";

/** Where the control plane answers, and who asks. */
export interface Connection {
  readonly url: string;
  readonly token: string;
  /** Whom to trust over TLS, besides the authorities of the system. */
  readonly trust?: Trust;
}

/** What a person chose about it. */
export interface ConnectionOptions {
  readonly state?: string;
  readonly as?: string;
  /** PEM file of `--ca`. */
  readonly ca?: string;
}

/** State folders that are looked at without `--state`, in this order. */
export const STATE_FOLDERS = [".signalbox/default", ".signalbox/demo"];

interface ServerFile {
  readonly url: string;
  readonly pid: number;
  /** The certificate that it serves with. */
  readonly certificate?: string;
}

interface Found {
  readonly folder: string;
  readonly server: ServerFile;
}

function serverIn(folder: string): Found | undefined {
  try {
    const text = readFileSync(join(folder, "server.json"), "utf8");
    return { folder, server: JSON.parse(text) as ServerFile };
  } catch {
    // No file, or half of one: either way nobody is known to answer there.
    return undefined;
  }
}

function isAlive({ server }: Found): boolean {
  try {
    return process.kill(server.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function tokenIn(folder: string, as: string | undefined): string {
  const file = join(folder, as === undefined ? "token" : `token-${as}`);
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const people = readdirSync(folder)
    .filter((name) => name.startsWith("token-"))
    .map((name) => name.slice("token-".length));
  throw new CommandError(
    EXIT.denied,
    `There is no token file ${file}. ` +
      (people.length === 0 ? "Only the administrator has one here." : `People here: ${people.join(", ")}.`) +
      " Leave out --as, or set SIGNALBOX_TOKEN.",
  );
}

function requireUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new CommandError(
    EXIT.usage,
    `SIGNALBOX_URL is ${JSON.stringify(text)}: write it like http://127.0.0.1:7420.`,
  );
}

/** What was given is trusted as an authority; without it, a control plane of this machine is known by its own certificate. */
function trustOf(
  url: string,
  local: Found | undefined,
  ca: string | undefined,
  env: NodeJS.ProcessEnv,
): { readonly trust?: Trust } {
  const given = ca ?? env["SIGNALBOX_CA"];
  if (given !== undefined && given !== "") return { trust: { caFile: given, pinned: false } };
  const { certificate, url: own } = local?.server ?? {};
  return certificate !== undefined && own === url ? { trust: { caFile: certificate, pinned: true } } : {};
}

/** The connection, or an error that says how to get one. `as` picks another person's token file. */
export function connect(options: ConnectionOptions, env: NodeJS.ProcessEnv): Connection {
  const folders = options.state === undefined ? STATE_FOLDERS : [options.state];
  const found = folders.map(serverIn).filter((each) => each !== undefined);
  // A folder that was stopped must not hide the one that runs.
  const local = found.find(isAlive) ?? found[0];
  const url = env["SIGNALBOX_URL"] === undefined ? local?.server.url : requireUrl(env["SIGNALBOX_URL"]);
  const token =
    options.as === undefined && env["SIGNALBOX_TOKEN"] !== undefined
      ? env["SIGNALBOX_TOKEN"].trim()
      : local === undefined
        ? undefined
        : tokenIn(local.folder, options.as);
  if (url !== undefined && token !== undefined)
    return { url, token, ...trustOf(url, local, options.ca, env) };
  throw new CommandError(
    EXIT.unavailable,
    url === undefined
      ? `No control plane is known here (looked in ${folders.join(", ")}).\nStart one with \`npm start\` or \`npx signalbox start\`, or set SIGNALBOX_URL and SIGNALBOX_TOKEN.`
      : `There is no token for ${url}: set SIGNALBOX_TOKEN, or name the state folder with --state.`,
  );
}
