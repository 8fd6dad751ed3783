// What a command is given: the connection, the person's wishes about output, and the stream to write to.
import { type Command, InvalidArgumentError } from "commander";
import { callJson, callText } from "./call.ts";
import { type Connection, type ConnectionOptions, connect } from "./connection.ts";
import { type Column, formatTable } from "./table.ts";
import { printableJson, printableLines } from "./text.ts";

/** Options that every command knows. */
export interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly validateOnly?: boolean;
}

/** The world of one command. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
  readonly write: (text: string) => void;
  readonly stdin: NodeJS.ReadableStream;
  /** Size of the terminal that is written to, as it is now; undefined when it is none. */
  readonly screen?: () => { readonly columns: number; readonly rows: number } | undefined;
  /** Takes remarks that are no part of the output. */
  readonly tell?: (text: string) => void;
  /** Told the value behind what is printed. */
  readonly shown?: (value: unknown) => void;
}

/** A resource as the API answers it. */
export type Resource = Readonly<Record<string, unknown>>;

/** A command at work: knows where to ask and how to answer. */
export interface Session {
  readonly connection: Connection;
  /** `timeoutMs` for what must not wait as long as other calls may. */
  get<Body>(path: string, timeoutMs?: number): Promise<Body>;
  text(path: string): Promise<string>;
  post<Body>(path: string, body: unknown, contentType?: string): Promise<Body>;
  /** Prints a value: as JSON when asked for, else in the words given. */
  print(value: unknown, words: string): void;
  /** Prints a list, and notes below it. */
  table<Row>(rows: readonly Row[], shown: TableOf<Row>): void;
}

/** How a list is shown to people. */
export interface TableOf<Row> {
  readonly columns: readonly Column<Row>[];
  /** What to do while there is nothing. */
  readonly empty: string;
  readonly notes?: readonly string[];
}

/** Adds `--validate-only` (AIP-163) to a command that changes something; the session does the rest. */
export const validatable = (command: Command): Command =>
  command.option("--validate-only", "only say whether it would be done and what would come of it");

/** Where the wish to only validate belongs: into the body, or beside one that is an event. */
function onlyValidating(path: string, body: unknown, contentType: string | undefined) {
  return contentType === undefined
    ? { path, body: { ...(body as object), validateOnly: true } }
    : { path: `${path}?validateOnly=true`, body };
}

/** Prints a value as the person wishes; what was only validated says so first. */
export function printer(
  command: Command,
  { write, shown }: Pick<CommandContext, "write" | "shown">,
): Session["print"] {
  const { json, validateOnly } = command.optsWithGlobals<GlobalOptions>();
  const note = validateOnly === true ? "Only validated, nothing was changed. It would have said:\n" : "";
  return (value, words) => {
    shown?.(value);
    write(`${json === true ? printableJson(value) : printableLines(`${note}${words}`)}\n`);
  };
}

/** The session of a command that was called. */
export function session(command: Command, context: CommandContext): Session {
  const options = command.optsWithGlobals<GlobalOptions>();
  const connection = connect(options, context.env);
  const { validateOnly = false } = options;
  const print = printer(command, context);
  return {
    connection,
    get: (path, timeoutMs) =>
      callJson(connection, { method: "GET", path, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    text: (path) => callText(connection, { method: "GET", path }),
    post: (path, body, contentType) =>
      callJson(connection, {
        method: "POST",
        ...(validateOnly ? onlyValidating(path, body, contentType) : { path, body }),
        ...(contentType === undefined ? {} : { contentType }),
      }),
    print,
    table: (rows, { columns, empty, notes = [] }) =>
      print(rows, [formatTable(rows, columns, empty), ...notes].join("\n")),
  };
}

/** A page of resources as the API lists them: `{ "<collection>": [...], "nextPageToken": "" }`. */
type Page<Row> = Readonly<Record<string, readonly Row[] | string | number>>;

/** Rows of one list that are read at the most. */
export const ROWS_MAX = 5_000;
const PAGE_SIZE = 100;

/** Reads a whole list, page by page, up to `limit` rows. */
export async function listAll<Row>(api: Session, path: string, limit = ROWS_MAX): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let token = "";
  do {
    const query = new URLSearchParams({ pageSize: String(Math.min(PAGE_SIZE, limit - rows.length)) });
    if (token !== "") query.set("pageToken", token);
    const body = await api.get<Page<Row>>(`${path}${path.includes("?") ? "&" : "?"}${query.toString()}`);
    const page = Object.values(body).find((value) => Array.isArray(value)) ?? [];
    rows.push(...(page as readonly Row[]));
    token = typeof body["nextPageToken"] === "string" ? body["nextPageToken"] : "";
  } while (token !== "" && rows.length < limit);
  return rows;
}

/** A whole number of rows from the command line. */
export function rowCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= ROWS_MAX) return count;
  throw new InvalidArgumentError(`Give a whole number from 1 to ${ROWS_MAX}.`);
}

/** The text under a key of a resource, if there is one. */
export function textOf(row: Resource | undefined, key: string): string | undefined {
  const value = row?.[key];
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The resource under a key of a resource, if there is one. */
export function partOf(row: Resource | undefined, key: string): Resource | undefined {
  const value = row?.[key];
  return typeof value === "object" && value !== null ? (value as Resource) : undefined;
}
