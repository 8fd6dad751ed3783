// Finds the running control plane and talks to it: `--state`, `SIGNALBOX_URL` and `SIGNALBOX_TOKEN`, else the state folders here.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError, EXIT } from "./exit.ts";

/** Where the control plane answers, and who asks. */
export interface Connection {
  readonly url: string;
  readonly token: string;
  /** The state folder, when the control plane runs on this machine. */
  readonly state: string | undefined;
}

/** State folders that are looked at without `--state`, in this order. */
const STATE_FOLDERS = [".signalbox/default", ".signalbox/demo"];

interface ServerFile {
  readonly url: string;
}

function fromState(state: string, tokenName: string | undefined): Connection | undefined {
  const server = join(state, "server.json");
  const token = join(state, tokenName === undefined ? "token" : `token-${tokenName}`);
  if (!existsSync(server) || !existsSync(token)) return undefined;
  const { url } = JSON.parse(readFileSync(server, "utf8")) as ServerFile;
  return { url, token: readFileSync(token, "utf8").trim(), state };
}

/** The connection, or an error that says how to get one. `as` picks another person's token file. */
export function connect(
  options: { readonly state?: string; readonly as?: string },
  env: NodeJS.ProcessEnv,
): Connection {
  const url = env["SIGNALBOX_URL"];
  const token = env["SIGNALBOX_TOKEN"];
  const folders = options.state === undefined ? STATE_FOLDERS : [options.state];
  const local = folders.map((folder) => fromState(folder, options.as)).find((found) => found !== undefined);
  if (url !== undefined && (token !== undefined || local !== undefined)) {
    return { url, token: token ?? local?.token ?? "", state: undefined };
  }
  if (local !== undefined) return token === undefined ? local : { ...local, token };
  throw new CommandError(
    EXIT.unavailable,
    `No control plane is running here (looked in ${folders.join(", ")}).\n` +
      "Start one with `npm start` or `npx signalbox start`, or set SIGNALBOX_URL and SIGNALBOX_TOKEN.",
  );
}

const TIMEOUT_MS = 30_000;

/** Calls the API; a refusal becomes a CommandError with the API's own words. */
export async function call<Body>(
  connection: Connection,
  method: string,
  path: string,
  body?: unknown,
): Promise<Body> {
  let response: Response;
  try {
    response = await fetch(new URL(path, connection.url), {
      method,
      headers: {
        authorization: `Bearer ${connection.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new CommandError(
      EXIT.unavailable,
      `${connection.url} does not answer: start the control plane with \`npm start\` or \`npx signalbox start\`.`,
      cause,
    );
  }
  const text = await response.text();
  if (response.ok) return (text === "" ? {} : JSON.parse(text)) as Body;
  throw refusal(response.status, text);
}

function refusal(status: number, text: string): CommandError {
  let message = text;
  let name = `HTTP ${status}`;
  try {
    const { error } = JSON.parse(text) as { error: { status: string; message: string } };
    ({ message } = error);
    name = error.status;
  } catch {
    // Not one of our errors (a proxy's page, perhaps): its text is all there is to show.
  }
  const exit =
    status === 401 || status === 403
      ? EXIT.denied
      : status === 404
        ? EXIT.notFound
        : status >= 500
          ? EXIT.unavailable
          : EXIT.refused;
  return new CommandError(exit, `${name}: ${message}`);
}
