// The whole tour on Google's emulators, with services killed and started again meanwhile: nothing is lost, nothing is done twice.
import { expect, onTestFinished, test } from "vitest";
import { createDeadLetters } from "../../shared/adapters/google/dead-letters.ts";
import { openStore, type Store } from "../../shared/adapters/google/firestore.ts";
import { LEDGER_COLLECTIONS } from "../../shared/adapters/google/ledger-documents.ts";
import { createLedger } from "../../shared/adapters/google/ledger.ts";
import { createOutbox } from "../../shared/adapters/google/outbox.ts";
import { createReceipts } from "../../shared/adapters/google/receipts.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { emulatorJar, emulatorMissing } from "../../scripts/compose/emulators.ts";
import { runningProcesses } from "../../scripts/compose/leftovers.ts";
import { EMULATED_PROJECT, type EmulatedPlane, startEmulatedPlane } from "../../scripts/emulated/plane.ts";
import { createNarrator } from "../../scripts/tour/narrator.ts";
import { createStage, type Stage } from "../../scripts/tour/stage.ts";
import { tourOf } from "../../scripts/tour/tour-of.ts";
import { playTour } from "../../scripts/tour/tour.ts";
import { temporaryFolder } from "../support/folder.ts";
import { PEOPLE } from "../support/installation.ts";
import { hasTerraform } from "../support/terraform-stacks.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 900_000;
const STEP_TIMEOUT_MS = 240_000;
const KILL_EVERY_SLOTS = 8;
const KILLS_MIN = 6;
/** Facts that a failure tells. */
const LAST_FACTS = 25;
const SEED = Number(process.env["SEED"] ?? Date.now() % 100_000);
/** Services that are killed; API and webhook are called by the tour itself, which does not try again. */
const VICTIMS = ["provisioner", "registry", "rollout", "relay", "notifier", "data"] as const;
/** The judge takes version 3 back, and a person version 2. */
const ROLLBACKS = 2;
/** What the tour is in facts: two stacks planned and applied once each, three versions, two promoted, the third taken back. */
const TOLD = {
  "plan.finished": 2,
  "plan.failed": 0,
  "apply.started": 2,
  "apply.finished": 2,
  "apply.failed": 0,
  "stack.apply-interrupted": 0,
  "model-version.created": 3,
  "model-version.verified": 3,
  "model-version.rejected": 0,
  "rollout.queued": 3,
  "rollout.started": 3,
  "rollout.claimed": 3,
  "release.prepared": 3,
  "release.failed": 0,
  "rollout.promoted": 2,
  "rollout.rolled-back": 1,
  "rollout.aborted": 0,
  "traffic.history-gap": 0,
} as const;

// The client asks for its machine's metadata even when it talks to an emulator.

const why = [
  ...(["firestore", "pubsub"] as const)
    .filter((name) => emulatorJar(name) === undefined)
    .map((name) => emulatorMissing(name)),
  ...(hasTerraform ? [] : ["no terraform"]),
].join("; ");

/** Kills a service after every few facts, in an order that the seed gives, until it is told to stop; answers whom. */
function killAtRandom(plane: EmulatedPlane, store: Store) {
  const killed: string[] = [];
  let random = SEED;
  const next = (): (typeof VICTIMS)[number] => {
    // Park and Miller, so that a seed names a run.
    random = (random * 48_271 + 11) % 2_147_483_647;
    return VICTIMS[random % VICTIMS.length] ?? "relay";
  };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let restarts: Promise<void> = Promise.resolve();
  let wanted = KILL_EVERY_SLOTS;
  // Tied to what happens, not to time: a machine that is slow is not killed to a standstill.
  const unsubscribe = store.db.collection(LEDGER_COLLECTIONS.slots).onSnapshot(({ size }) => {
    if (size < wanted) return;
    wanted = size + KILL_EVERY_SLOTS;
    const victim = next();
    killed.push(victim);
    restarts = restarts.then(() => plane.restart(victim));
    restarts.catch(failed.reject);
  }, failed.reject);
  return {
    failed: failed.promise,
    async stop(): Promise<readonly string[]> {
      unsubscribe();
      await restarts;
      return killed;
    },
  };
}

async function allFacts(ledger: Ledger): Promise<readonly AnyFact[]> {
  const found: AnyFact[] = [];
  for (let after: string | undefined; ;) {
    const page = await ledger.list({
      limit: 200,
      order: "oldest-first",
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.facts);
    if (page.next === undefined) return found;
    after = page.next;
  }
}

/** What to know of a tour that did not come to its end. */
async function story(store: Store, killed: readonly string[]): Promise<string> {
  const last = (await allFacts(createLedger(store))).slice(-LAST_FACTS);
  const lines = last.map(({ time, type, subject }) => `${time} ${type} ${subject}`);
  return `The tour did not end. Killed: ${killed.join(", ")}. What happened last:\n${lines.join("\n")}`;
}

/** The stage of the tour, with the patience that killed services need. */
function stageOn(plane: EmulatedPlane): Stage {
  const narrator = createNarrator({ write: () => true } as never, () => performance.now(), false);
  const options = { ray: undefined, narrator, signal: new AbortController().signal };
  const tour = createStage({
    ...tourOf({ ...plane, webhookSecret: plane.keys.webhookSecret }, options),
    interrupted: true,
  });
  return { ...tour, until: (what, probe) => tour.until(what, probe, STEP_TIMEOUT_MS) };
}

/** Rollbacks as they were recorded: the judge's and a person's. */
const rollbacksOf = (facts: readonly AnyFact[]): readonly FactOf<"traffic.moved">[] =>
  facts
    .filter((fact): fact is FactOf<"traffic.moved"> => fact.type === "traffic.moved")
    .filter(({ data }) => data.kind === "rollback");

async function expectNothingWaits(store: Store): Promise<void> {
  // A person's rollback is recorded by a later pass of the rollout service, which may have been killed just then.
  await until("both rollbacks to be recorded", async () =>
    rollbacksOf(await allFacts(createLedger(store))).length >= ROLLBACKS ? true : undefined,
  );
  const outbox = createOutbox(store);
  await until("every fact to be published", async () =>
    (await outbox.pending("9999-01-01T00:00:00.000Z", 1)).length === 0 ? true : undefined,
  );
  expect(await createReceipts(store).pending(10)).toEqual([]);
  expect((await createDeadLetters(store).list(10)).letters).toEqual([]);
}

function expectToldOnce(facts: readonly AnyFact[]): void {
  const times = Object.groupBy(facts, ({ type }) => type);
  const told = Object.fromEntries(
    (Object.keys(TOLD) as (keyof typeof TOLD)[]).map((type) => [type, times[type]?.length ?? 0]),
  );
  expect(told).toEqual(TOLD);
  expect(new Set(facts.map(({ id }) => id)).size).toBe(facts.length);
  expect(new Set(facts.map(({ subject, version }) => `${subject}@${version}`)).size).toBe(facts.length);
  const moves = facts.filter((fact): fact is FactOf<"traffic.moved"> => fact.type === "traffic.moved");
  const epochs = moves.map(({ data }) => data.epoch).toSorted((one, other) => one - other);
  expect(epochs).toEqual(epochs.map((_, index) => index + 1));
  const rollbacks = rollbacksOf(facts).map(({ data }) => `${data.epoch}: ${data.moveCause}: ${data.reason}`);
  expect(rollbacks).toHaveLength(ROLLBACKS);
}

test.skipIf(why !== "")(
  `killed services lose nothing and double nothing on Firestore and Pub/Sub (seed ${SEED})${why === "" ? "" : ` SKIPPED: ${why}`}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const plane = await startEmulatedPlane(temporaryFolder(), PEOPLE);
    onTestFinished(() => plane.stop());
    const store = openStore({ project: EMULATED_PROJECT, emulator: plane.emulators.firestore }, systemClock);
    onTestFinished(() => store.close());
    const killer = killAtRandom(plane, store);
    onTestFinished(async () => void (await killer.stop().catch(() => undefined)));
    try {
      await Promise.race([playTour(stageOn(plane)), killer.failed]);
    } catch (error) {
      throw new Error(await story(store, await killer.stop()), { cause: error });
    }
    const killed = await killer.stop();
    expect(killed.length, killed.join()).toBeGreaterThanOrEqual(KILLS_MIN);

    await expectNothingWaits(store);
    expectToldOnce(await allFacts(createLedger(store)));
    await plane.stop();
    expect(await runningProcesses(plane.state.root)).toEqual([]);
  },
);
