// A recorded run on disk: what the world answered, and everything else that decides what the workflow asks.
import { open, readFile, writeFile } from "node:fs/promises";
import type { EffectRequest, Perform, Take } from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";

const FORMAT = "signalbox-cassette/1";

/** A recorded run. */
export interface Cassette {
  readonly format: typeof FORMAT;
  readonly workflow: string;
  /** The argument as JSON text. */
  readonly argument: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly seed: string;
  readonly startMs: number;
  readonly callbackBase?: string | undefined;
  readonly takes: readonly Take[];
}

/** Reads a cassette. @throws {CommandError} when the file is none. */
export async function readCassette(path: string): Promise<Cassette> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new CommandError(
      EXIT.notFound,
      `The cassette ${path} cannot be read: record one with --record ${path}.`,
      error,
    );
  }
  try {
    const cassette = JSON.parse(text) as Cassette;
    if (cassette.format === FORMAT && Array.isArray(cassette.takes)) return cassette;
  } catch {
    // Told below, together with JSON that is no cassette.
  }
  throw new CommandError(EXIT.refused, `${path} is no cassette: record one with --record ${path}.`);
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder is a file",
  EISDIR: "it is a folder",
  EACCES: "you may not write there",
};

/** Makes sure that a cassette can be written, before the world is asked anything. @throws {CommandError} */
export async function requireWritable(path: string): Promise<void> {
  try {
    const file = await open(path, "a", 0o600);
    await file.close();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new CommandError(
      EXIT.refused,
      `The cassette ${path} cannot be written: ${WHY[code] ?? code}. Choose another --record.`,
      error,
    );
  }
}

/** Writes a cassette, for its owner's eyes alone: answers may be confidential. */
export async function writeCassette(path: string, cassette: Omit<Cassette, "format">): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, ...cassette }, null, 2)}\n`;
  await writeFile(path, text, { mode: 0o600 });
}

const SECRET_HEADERS = /^(authorization|proxy-authorization|cookie|x-api-key|x-goog-api-key)$/i;

function withoutSecrets(request: EffectRequest): EffectRequest {
  if (request.kind !== "http") return request;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      SECRET_HEADERS.test(name) ? "(kept out)" : value,
    ]),
  );
  return { ...request, headers };
}

/** Takes without the secrets that a workflow puts into headers; tokens for `auth` never were in them. */
export const takesWithoutSecrets = (takes: readonly Take[]): readonly Take[] =>
  takes.map(({ request, result }) => ({ request: withoutSecrets(request), result }));

/** A driver that asks a cassette's driver, which knows requests without secrets only. */
export function askingWithoutSecrets(perform: Perform): Perform {
  return (request, signal) => perform(withoutSecrets(request), signal);
}
