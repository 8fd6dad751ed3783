// The little that is remembered of a backend beside the cluster: which release it is, and what it is meant to be.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { BuildObjects } from "../../ports/build-objects.ts";

/** One backend. */
export interface DeployRecord {
  readonly wanted: "warm" | "cold";
  readonly release: string;
  /** Rollouts of the release; a new one after each retirement. */
  readonly attempt: number;
  /** Why nothing was started. */
  readonly failure?: string;
  readonly at: string;
}

const nameOf = (backend: string): string => `backends/${encodeURIComponent(backend)}.json`;

/** Reads it; undefined when the backend was never prepared. */
export async function readRecord(objects: BuildObjects, backend: string): Promise<DeployRecord | undefined> {
  const bytes = await objects.read(nameOf(backend));
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as DeployRecord;
  } catch {
    throw new ControlPlaneError("INTERNAL", `The record of the backend ${backend} is damaged.`, {
      reason: "DEPLOY_RECORD_DAMAGED",
      metadata: { object: nameOf(backend) },
    });
  }
}

/** Writes it. */
export function writeRecord(objects: BuildObjects, backend: string, record: DeployRecord): Promise<void> {
  return objects.replace(nameOf(backend), Buffer.from(JSON.stringify(record)));
}
