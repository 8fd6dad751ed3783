// Traffic documents as files: one fsynced JSON document per endpoint, replaced as a whole by a rename.
// The folder belongs to one process (the state folder's lock sees to that); inside it a write is one step, from the comparison to
// the sync. A rollback so waits for nobody's turn: neither for other writes nor, call by call, for a busy event loop.
import { readFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ControlPlaneError } from "../../domain/errors.ts";
import { formatName, parseName, requireName } from "../../domain/names.ts";
import { parseTrafficDocument } from "../../domain/traffic-document.ts";
import { type TrafficDocument, withoutDrift } from "../../domain/traffic.ts";
import type { Traffic } from "../../ports/traffic.ts";
import { replaceDurablyNow } from "./durable-file.ts";
import { fileErrorCode } from "./file-errors.ts";

/** Called with every document that has become durable, in the order of the writes. It must not throw. */
export type TrafficListener = (endpoint: string, document: TrafficDocument) => void;

/** Traffic documents in files, and who is told about changes. */
export interface LocalTraffic extends Traffic {
  /** Tells about every later write; answers how to stop. */
  onChange(listener: TrafficListener): () => void;
}

const SUFFIX = ".json";

/** `teams/a/endpoints/b` is kept in `a.b.json`: ids hold no dot, so no two names share a file. */
const fileName = (endpoint: string): string => {
  const ids = requireName("endpoint", endpoint, "endpoint");
  return `${ids.team}.${ids.endpoint}${SUFFIX}`;
};

function endpointOf(file: string): string | undefined {
  const [team = "", endpoint = "", ...rest] = file.slice(0, -SUFFIX.length).split(".");
  const name = `teams/${team}/endpoints/${endpoint}`;
  return file.endsWith(SUFFIX) && rest.length === 0 && parseName("endpoint", name) !== undefined
    ? formatName("endpoint", { team, endpoint })
    : undefined;
}

function corrupt(
  path: string,
  endpoint: string,
  problems: readonly string[],
  cause?: unknown,
): ControlPlaneError {
  return new ControlPlaneError(
    "INTERNAL",
    `The traffic document of ${endpoint} in ${path} is damaged (${problems.join("; ")}). It is never overwritten: restore it from a copy, or move it away to start anew without traffic.`,
    { reason: "TRAFFIC_DOCUMENT_CORRUPT", metadata: { endpoint, path }, cause },
  );
}

function readDocument(directory: string, endpoint: string): TrafficDocument | undefined {
  const path = join(directory, fileName(endpoint));
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (fileErrorCode(error) === "ENOENT") return undefined;
    throw storeDown(path, "read", error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, endpoint, ["it is not JSON"], error);
  }
  const parsed = parseTrafficDocument(endpoint, value);
  if (parsed.kind === "problems") throw corrupt(path, endpoint, parsed.problems);
  return parsed.document;
}

function storeDown(path: string, verb: string, cause: unknown): ControlPlaneError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ControlPlaneError(
    "UNAVAILABLE",
    `${path} could not be ${verb} (${why}): check the disk and its permissions.`,
    {
      reason: "TRAFFIC_STORE_UNAVAILABLE",
      metadata: { path },
      cause,
    },
  );
}

/** Traffic documents in `directory`, which is made if need be. */
export async function createTraffic(options: { readonly directory: string }): Promise<LocalTraffic> {
  const { directory } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const listeners = new Set<TrafficListener>();

  function write(endpoint: string, document: TrafficDocument): Awaited<ReturnType<Traffic["write"]>> {
    const known = readDocument(directory, endpoint);
    if ((known?.resourceVersion ?? 0) !== document.resourceVersion) return { kind: "conflict" };
    const next = { ...withoutDrift(document), resourceVersion: document.resourceVersion + 1 };
    const parsed = parseTrafficDocument(endpoint, next);
    if (parsed.kind === "problems") {
      throw new ControlPlaneError(
        "INVALID_ARGUMENT",
        `The traffic document for ${endpoint} breaks a rule: ${parsed.problems.join("; ")}.`,
        {
          reason: "INVALID_TRAFFIC_DOCUMENT",
          field: "document",
          metadata: { endpoint },
        },
      );
    }
    const name = fileName(endpoint);
    try {
      replaceDurablyNow(join(directory, name), `${JSON.stringify(next, undefined, 2)}\n`);
    } catch (error) {
      throw storeDown(join(directory, name), "written", error);
    }
    for (const listener of listeners) listener(endpoint, next);
    return { kind: "written", document: next };
  }

  return {
    read: async (endpoint) => readDocument(directory, endpoint),
    write: async (endpoint, document) => write(endpoint, document),
    async list() {
      const files = await readdir(directory);
      return files
        .map(endpointOf)
        .filter((endpoint) => endpoint !== undefined)
        .toSorted();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
