// The ledger and the outbox on SQLite in a file.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { itBehavesLikeALedger, type LedgerUnderTest } from "../contracts/ledger.ts";
import { itBehavesLikeAnOutbox } from "../contracts/outbox.ts";

function inFile(path: string): LedgerUnderTest {
  const db = openDatabase(path);
  onTestFinished(() => db.close());
  return {
    ledger: createLedger(db),
    outbox: createOutbox(db),
    async reopen() {
      db.close();
      return inFile(path);
    },
  };
}

async function create(): Promise<LedgerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-ledger-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return inFile(join(folder, "ledger.db"));
}

itBehavesLikeALedger("the SQLite ledger", create);
itBehavesLikeAnOutbox("the SQLite outbox", create);
