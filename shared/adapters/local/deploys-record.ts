// What is remembered about a backend across restarts: one fsynced file each, `<backend>.json`.
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import type { ReleaseRequest } from "../../ports/deploys.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileErrorCode, fileUnavailable } from "./file-errors.ts";
import type { ProcessIdentity } from "./process-identity.ts";

/** One start of a model server. */
export interface Launch {
  /** From 1; names the claim file that lets only one process be this launch. */
  readonly number: number;
  readonly port: number;
  /** Null until it is known who it is; the claim file knows it in between. */
  readonly process: ProcessIdentity | null;
}

/** A backend as it is remembered. */
export interface BackendRecord {
  readonly schema: 1;
  readonly request: ReleaseRequest;
  /** What it shall be: running (also after a restart), given up, or retired. */
  readonly wanted: "running" | "failed" | "cold";
  readonly message: string;
  readonly since: string;
  readonly launch: Launch | null;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isLaunch = (value: unknown): boolean =>
  value === null ||
  (isObject(value) &&
    Number.isInteger(value["number"]) &&
    Number.isInteger(value["port"]) &&
    (value["process"] === null ||
      (isObject(value["process"]) &&
        Number.isInteger(value["process"]["pid"]) &&
        typeof value["process"]["started"] === "string")));

/** Whether this is what `writeRecord` wrote for this backend. Files are replaced as a whole, so a damaged one is no JSON or foreign. */
function isRecord(value: unknown, backend: string): value is BackendRecord {
  if (!isObject(value) || value["schema"] !== 1 || !isLaunch(value["launch"])) return false;
  const { request, wanted } = value;
  return (
    isObject(request) &&
    request["backend"] === backend &&
    isObject(request["artifact"]) &&
    isObject(request["serving"]) &&
    (wanted === "running" || wanted === "failed" || wanted === "cold")
  );
}

/** The file of a backend with this ending. */
export function backendFile(directory: string, backend: string, ending: string): string {
  if (!/^[a-z0-9][-a-z0-9]{0,62}$/.test(backend)) {
    throw invalidArgument(
      "backend",
      `${JSON.stringify(backend.slice(0, 80))} is no name of a backend: use backendName.`,
    );
  }
  return join(directory, `${backend}.${ending}`);
}

/** Keeps a record; durable when it resolves. */
export async function writeRecord(directory: string, record: BackendRecord): Promise<void> {
  const path = backendFile(directory, record.request.backend, "json");
  try {
    await replaceDurably(path, `${JSON.stringify(record, undefined, 2)}\n`);
  } catch (error) {
    throw fileUnavailable(path, error);
  }
}

async function readRecord(path: string): Promise<BackendRecord> {
  const text = await readFile(path, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isRecord(value, basename(path, ".json"))) return value;
  throw new ControlPlaneError(
    "INTERNAL",
    `The record of a backend in ${path} is damaged: end the model server that it stands for, if it runs, and remove the file; the next rollout or restart prepares it again.`,
    { reason: "BACKEND_RECORD_CORRUPT", metadata: { path } },
  );
}

/** The record of one backend, or undefined when none was prepared here. */
export async function findRecord(directory: string, backend: string): Promise<BackendRecord | undefined> {
  const path = backendFile(directory, backend, "json");
  try {
    return await readRecord(path);
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return undefined;
    throw error instanceof ControlPlaneError ? error : fileUnavailable(path, error);
  }
}

/** All records of the folder. A damaged one stops the start: a server that nobody knows of could run twice. */
export async function readRecords(directory: string): Promise<readonly BackendRecord[]> {
  try {
    const files = (await readdir(directory)).filter((file) => file.endsWith(".json")).toSorted();
    return await Promise.all(files.map((file) => readRecord(join(directory, file))));
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return [];
    throw fileUnavailable(directory, error);
  }
}
