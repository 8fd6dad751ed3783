// What must hold between the parts of a backup, or of what was restored: looked at in its own ledger.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { CommandError, EXIT } from "../exit.ts";

/** What the ledger of a folder knows. */
export interface LedgerFigures {
  readonly facts: number;
  /** Time of the newest fact; empty when there is none. */
  readonly newest: string;
}

interface Told {
  readonly stream: string;
  readonly number: number;
}

/** Opens the ledger of a folder for reading and runs SQLite's own check over it. */
function openLedgerCopy(folder: string): DatabaseSync {
  const path = join(folder, "ledger.db");
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    const row = db.prepare("PRAGMA integrity_check(1)").get() as { integrity_check: string } | undefined;
    if (row?.integrity_check === "ok") return db;
    db.close();
    throw new Error(row?.integrity_check ?? "no answer");
  } catch (cause) {
    throw new CommandError(
      EXIT.refused,
      `${path} is damaged (${(cause as Error).message}): use another backup.`,
      cause,
    );
  }
}

/** Endpoints whose document is older than what the ledger has recorded of it: their next move would be taken for a known one. */
async function olderDocuments(db: DatabaseSync, folder: string): Promise<readonly string[]> {
  const traffic = await createTraffic({ directory: join(folder, "traffic") });
  const rows = db
    .prepare(
      "SELECT stream, max(json_extract(data, '$.epoch')) AS number FROM facts WHERE type = 'traffic.moved' GROUP BY stream",
    )
    .all() as unknown as readonly Told[];
  const problems: string[] = [];
  for (const { stream, number } of rows) {
    const epoch = (await traffic.read(stream))?.traffic.epoch ?? 0;
    if (epoch < number)
      problems.push(`the traffic document of ${stream} has epoch ${epoch} and the ledger knows ${number}`);
  }
  return problems;
}

/** Stacks whose state is older than their last recorded apply: the next plan would make again what exists. */
async function olderStates(db: DatabaseSync, folder: string): Promise<readonly string[]> {
  const rows = db
    .prepare(
      `SELECT stream, json_extract(data, '$.stateSerial') AS number FROM facts f WHERE type = 'apply.finished' AND position =
       (SELECT max(position) FROM facts g WHERE g.stream = f.stream AND g.type = 'apply.finished')`,
    )
    .all() as unknown as readonly Told[];
  const problems: string[] = [];
  for (const { stream, number } of rows) {
    const path = join(folder, "terraform", stream.slice("stacks/".length), "terraform.tfstate");
    const text = await readFile(path, "utf8").catch(() => '{"serial":-1}');
    const { serial } = JSON.parse(text) as { readonly serial: number };
    if (serial < number)
      problems.push(`the state of ${stream} has serial ${serial} and the ledger knows ${number}`);
  }
  return problems;
}

function missingBlobs(db: DatabaseSync, folder: string): readonly string[] {
  const rows = db
    .prepare(
      `SELECT json_extract(data, '$.planBlob') AS blob FROM facts WHERE type = 'plan.finished' UNION
       SELECT json_extract(data, '$.canonicalBlob') FROM facts WHERE type = 'plan.finished'`,
    )
    .all() as unknown as readonly { readonly blob: string }[];
  return rows
    .map(({ blob }) => blob.replace(":", "/"))
    .filter((path) => !existsSync(join(folder, "blobs", path)))
    .map((path) => `the blob ${path} is missing`);
}

/** Refuses a folder whose parts do not go together; answers what its ledger holds. */
export async function checkLaw(folder: string): Promise<LedgerFigures> {
  const db = openLedgerCopy(folder);
  try {
    const problems = [
      ...(await olderDocuments(db, folder)),
      ...(await olderStates(db, folder)),
      ...missingBlobs(db, folder),
    ];
    if (problems.length > 0) {
      throw new CommandError(
        EXIT.refused,
        `The parts of ${folder} do not go together:\n${problems.map((problem) => `  ${problem}`).join("\n")}\nUse another backup.`,
      );
    }
    const { facts, newest } = db
      .prepare("SELECT count(*) AS facts, coalesce(max(time), '') AS newest FROM facts")
      .get() as unknown as LedgerFigures;
    return { facts, newest };
  } finally {
    db.close();
  }
}
