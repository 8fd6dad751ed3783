// A database that goes away in the middle and comes back, clocks that are off, and a project that is not ours.
import { expect, onTestFinished, test } from "vitest";
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createOutbox } from "../../../shared/adapters/google/outbox.ts";
import {
  FIRESTORE_CLOSE_TIMEOUT_MS,
  openStore,
  type Store,
} from "../../../shared/adapters/google/firestore.ts";
import { createReceipts } from "../../../shared/adapters/google/receipts.ts";
import { createViews } from "../../../shared/adapters/google/views.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Ledger } from "../../../shared/ports/ledger.ts";
import { startCuttableWay } from "../../support/cuttable.ts";
import { batchOf, planStarted } from "../../support/facts.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../support/google/emulators.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";
import { until } from "../../support/until.ts";

const PROJECT = "restarted";
/** Patience with an emulator that has just started, and with one that is away. */
const PATIENT_MS = 60_000;
const CALL_TIMEOUT_MS = 4_000;
const TIMEOUT_MS = 120_000;
/** Appends under way when the database goes away. */
const WRITERS = 8;
const HOUR_MS = 3_600_000;
const LATER = "2030-01-01T00:00:00.000Z";

async function start(options?: EmulatorOptions): Promise<Emulator> {
  const emulator = await startEmulator("firestore", options);
  onTestFinished(() => emulator.stop());
  return emulator;
}

function open(host: string, timeoutMs: number, project = PROJECT): Store {
  const store = openStore({ project, emulator: host }, systemClock, timeoutMs);
  onTestFinished(() => store.close());
  return store;
}

const streamOf = (writer: number): string => `stacks/s${writer}`;

/** A batch of two facts and a timer: four kinds of documents in one commit. */
const batch = (stream: string, expected: number) => ({
  ...batchOf(stream, expected, `cause-${expected}`, [planStarted("1"), planStarted("2")]),
  due: [{ name: "deadline", time: "2026-01-02T05:00:00Z" }],
});

/** Appends once; what it answered, or the error, which must be one after which the same may be tried again. */
async function tryAppend(ledger: Ledger, stream: string, expected: number): Promise<string> {
  return ledger.append(batch(stream, expected)).catch((error: unknown) => {
    expect(isTransient(error), String(error)).toBe(true);
    return "again";
  });
}

/** What Firestore's emulator holds, written to a folder: the words that start another one from it. */
async function keep(host: string, folder: string): Promise<readonly string[]> {
  const response = await fetch(`http://${host}/emulator/v1/projects/${PROJECT}:export`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      database: `projects/${PROJECT}/databases/(default)`,
      export_directory: folder,
      export_name: "kept",
    }),
  });
  expect(response.status).toBe(200);
  return [`--seed_from_export=${folder}/kept/kept.overall_export_metadata`];
}

withFirestore((fresh) => {
  test(
    "a database that restarts amid writes has each of them whole or not at all, and whoever repeats them doubles none",
    { timeout: TIMEOUT_MS },
    async () => {
      const first = await start();
      const way = await startCuttableWay(first.host);
      onTestFinished(() => way.close());
      const writers = Array.from({ length: WRITERS }, (_, writer) => writer);
      const before = createLedger(open(first.host, PATIENT_MS));
      for (const writer of writers) expect(await tryAppend(before, streamOf(writer), 0)).toBe("appended");
      const store = open(way.host, CALL_TIMEOUT_MS);
      const ledger = createLedger(store);

      const during = writers.map((writer) => tryAppend(ledger, streamOf(writer), 2));
      await Promise.race(during);
      way.cut();
      const answers = await Promise.all(during);
      expect(answers.filter((answer) => answer === "again").length).toBeGreaterThan(0);
      const words = await keep(first.host, temporaryFolder());
      await first.stop();
      way.lead((await start({ words })).host);

      // The same client, as in a service that runs on.
      for (const writer of writers) {
        const again = await until("the client to find its way back", async () => {
          const answer = await tryAppend(ledger, streamOf(writer), 2);
          return answer === "again" ? undefined : answer;
        });
        expect(["appended", "decided"]).toContain(again);
        if (answers[writer] === "appended") expect(again).toBe("decided");
        const { version, facts } = await createLedger(store).read(streamOf(writer));
        expect([version, facts.map((fact) => fact.version)]).toEqual([4, [1, 2, 3, 4]]);
      }
      const outbox = createOutbox(store);
      expect(await outbox.pending(LATER, 500)).toHaveLength(4 * WRITERS);
      expect(await outbox.timersDue(LATER, 500)).toHaveLength(2 * WRITERS);
    },
  );

  test("a database that is away does not keep a store from closing", async () => {
    const store = openStore({ project: PROJECT, emulator: "127.0.0.1:1" }, systemClock, 200);
    await expect(createLedger(store).read("stacks/a")).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const begun = performance.now();
    await store.close();
    expect(performance.now() - begun).toBeLessThan(2 * FIRESTORE_CLOSE_TIMEOUT_MS);
  });

  test.each([
    ["an hour behind", -HOUR_MS],
    ["an hour ahead", HOUR_MS],
  ])(
    "a process whose clock is %s writes in the order of the database, and its facts are due at once",
    async (_how, skewMs) => {
      const { store, reopen } = fresh();
      const skewed: Clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + skewMs) };
      const append = async (ledger: Ledger, clock: Clock, stream: string): Promise<void> => {
        const time = clock.now().toISOString();
        const { facts, ...rest } = batch(stream, 0);
        const at = { ...rest, time, due: [], facts: facts.map((fact) => ({ ...fact, time })) };
        expect(await ledger.append(at)).toBe("appended");
      };
      const [ours, theirs] = [createLedger(store), createLedger(reopen().store)];
      await append(ours, systemClock, "stacks/a");
      await append(theirs, skewed, "stacks/b");
      await append(ours, systemClock, "stacks/c");
      const { facts } = await ours.list({ limit: 10, order: "oldest-first" });
      expect([...new Set(facts.map(({ subject }) => subject))]).toEqual(["stacks/a", "stacks/b", "stacks/c"]);
      const pending = await createOutbox(store).pending(systemClock.now().toISOString(), 10);
      expect(pending.map(({ fact }) => fact.id)).toEqual(facts.map(({ id }) => id));
    },
  );

  test(
    "a project that is not ours is an error that nobody repeats, and nothing is written",
    { timeout: TIMEOUT_MS },
    async () => {
      const words = ["--single_project_mode", "--single_project_mode_error", `--project_id=${PROJECT}`];
      const { host } = await start({ words });
      const wrong = open(host, PATIENT_MS, "another");
      const right = open(host, PATIENT_MS);
      const receipt = {
        guid: "g",
        event: "push",
        bodyHash: "sha256:0",
        body: new Uint8Array(),
        receivedAt: LATER,
      };
      const calls: readonly (() => Promise<unknown>)[] = [
        () => createLedger(wrong).read("stacks/a"),
        () => createLedger(wrong).append(batch("stacks/a", 0)),
        () => createOutbox(wrong).pending(LATER, 1),
        () => createViews(wrong).commit({ projection: "p", stream: "s", expected: 0, seen: 1, puts: [] }),
        () => createReceipts(wrong).put(receipt),
      ];
      // At once: the client asks each of them several times before it says what it got.
      const errors = await Promise.all(
        calls.map((call) =>
          call().then(
            () => "no error",
            (thrown: unknown) => thrown,
          ),
        ),
      );
      expect(errors).toHaveLength(calls.length);
      for (const error of errors) {
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", metadata: { resource: "projects/another" } });
        expect(isTransient(error)).toBe(false);
      }
      expect((await createLedger(right).read("stacks/a")).version).toBe(0);
      expect(wrong.counts.writes).toBe(0);
    },
  );
});
