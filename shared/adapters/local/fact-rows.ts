// A fact as a row of the `facts` table, and back.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { AnyFact } from "../../domain/fact.ts";

/** Columns of a fact, in the order of the table. */
export const FACT_COLUMNS =
  "f.id, f.stream, f.version, f.type, f.time, f.cause, f.correlation, f.actor, f.data";

/** One row of `FACT_COLUMNS`. */
export interface FactRow {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly time: string;
  readonly cause: string;
  readonly correlation: string;
  readonly actor: string;
  readonly data: string;
}

/** JSON text of a document; refuses what JSON would silently change (a number that is not finite). */
export function jsonText(value: unknown, what: string): string {
  const plain: unknown = JSON.stringify(value);
  // JSON writes such a number as null. Looking at every part takes twice as long, and nearly no document needs it.
  if (typeof plain === "string" && !plain.includes("null")) return plain;
  const text: unknown = JSON.stringify(value, (key, part: unknown) => {
    if (typeof part !== "number" || Number.isFinite(part)) return part;
    throw new ControlPlaneError(
      "INTERNAL",
      `${what} holds ${part} at ${JSON.stringify(key)}, which JSON cannot carry.`,
      {
        reason: "NOT_JSON",
        field: key,
      },
    );
  });
  if (typeof text === "string") return text;
  throw new ControlPlaneError("INTERNAL", `${what} is no JSON document.`, { reason: "NOT_JSON" });
}

/** The fact that a row holds. */
export function factOfRow(row: FactRow): AnyFact {
  return {
    id: row.id,
    type: row.type,
    subject: row.stream,
    version: row.version,
    time: row.time,
    cause: row.cause,
    correlation: row.correlation,
    actor: row.actor,
    data: JSON.parse(row.data) as unknown,
  } as AnyFact;
}
