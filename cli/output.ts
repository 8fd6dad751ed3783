// What a command is given: the connection, the person's wishes about output, and the streams to write to.
import type { Command } from "commander";
import { call, type Connection, connect } from "./connection.ts";
import { type Column, formatTable } from "./table.ts";

/** Options that every command knows. */
export interface GlobalOptions {
  readonly state?: string;
  readonly as?: string;
  readonly json?: boolean;
}

/** The world of one command. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly write: (text: string) => void;
}

/** A command at work: knows where to ask and how to answer. */
export interface Session {
  readonly connection: Connection;
  readonly json: boolean;
  get<Body>(path: string): Promise<Body>;
  post<Body>(path: string, body: unknown): Promise<Body>;
  /** Prints a value: as JSON when asked for, else in the words given. */
  print(value: unknown, words: string): void;
  /** Prints a list. */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string): void;
}

/** The session of a command that was called. */
export function session(command: Command, { env, write }: CommandContext): Session {
  const options = command.optsWithGlobals<GlobalOptions>();
  const connection = connect(options, env);
  const json = options.json ?? false;
  const print = (value: unknown, words: string): void =>
    write(`${json ? JSON.stringify(value, null, 2) : words}\n`);
  return {
    connection,
    json,
    get: (path) => call(connection, "GET", path),
    post: (path, body) => call(connection, "POST", path, body),
    print,
    table: (rows, columns, empty) => print(rows, formatTable(rows, columns, empty)),
  };
}

/** A page of resources as the API lists them: `{ "<collection>": [...], "nextPageToken": "" }`. */
type Page<Row> = Readonly<Record<string, readonly Row[] | string>>;

const PAGES_MAX = 50;

/** Reads a whole list, page by page, up to `limit` rows. */
export async function listAll<Row>(api: Session, path: string, limit: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let token = "";
  for (let page = 0; page < PAGES_MAX && rows.length < limit; page++) {
    const query = new URLSearchParams({ pageSize: String(Math.min(100, limit - rows.length)) });
    if (token !== "") query.set("pageToken", token);
    const body = await api.get<Page<Row>>(`${path}${path.includes("?") ? "&" : "?"}${query}`);
    rows.push(...(Object.values(body).find((value) => Array.isArray(value)) ?? []));
    token = typeof body["nextPageToken"] === "string" ? body["nextPageToken"] : "";
    if (token === "") break;
  }
  return rows;
}
