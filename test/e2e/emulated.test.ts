// The first two chapters of the tour on Google's emulators, with services killed and started again meanwhile: nothing is lost,
// nothing is done twice.
import { expect, onTestFinished, test } from "vitest";
import { createDeadLetters } from "../../shared/adapters/google/dead-letters.ts";
import { openStore } from "../../shared/adapters/google/firestore.ts";
import { createLedger } from "../../shared/adapters/google/ledger.ts";
import { createOutbox } from "../../shared/adapters/google/outbox.ts";
import { createReceipts } from "../../shared/adapters/google/receipts.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { emulatorJar, emulatorMissing } from "../../scripts/compose/emulators.ts";
import { EMULATED_PROJECT, type EmulatedPlane, startEmulatedPlane } from "../../scripts/emulated/plane.ts";
import { createNarrator } from "../../scripts/tour/narrator.ts";
import { createPlatform, mergePullRequest, openPullRequest } from "../../scripts/tour/provisioning.ts";
import { createStage } from "../../scripts/tour/stage.ts";
import { tourOf } from "../../scripts/tour/tour-of.ts";
import { temporaryFolder } from "../support/folder.ts";
import { PEOPLE } from "../support/installation.ts";
import { hasTerraform } from "../support/terraform-stacks.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 900_000;
const STEP_TIMEOUT_MS = 240_000;
const KILL_EVERY_FACTS = 5;
const SEED = Number(process.env["SEED"] ?? Date.now() % 100_000);
/** Services that are killed; the API is asked by the tour itself, which does not try again. */
const VICTIMS = ["provisioner", "registry", "rollout", "relay", "notifier"] as const;

const missing = (["firestore", "pubsub"] as const).filter((name) => emulatorJar(name) === undefined);
// It starts nine services on two emulators and kills them for three minutes of both cores, which is too long for every run of all
// tests: it is asked for by name.
const asked = process.env["SIGNALBOX_KILLS"] === "1";
const why = [
  ...(asked ? [] : ["set SIGNALBOX_KILLS=1"]),
  ...missing.map(emulatorMissing),
  ...(hasTerraform ? [] : ["no terraform"]),
].join("; ");

/** Kills a service after every few facts, in an order that the seed gives, until it is told to stop; answers whom. */
function killAtRandom(plane: EmulatedPlane, ledger: Ledger) {
  const killed: string[] = [];
  const state = { stopped: false, random: SEED };
  const next = (): (typeof VICTIMS)[number] => {
    // Park and Miller, so that a seed names a run.
    state.random = (state.random * 48_271 + 11) % 2_147_483_647;
    return VICTIMS[state.random % VICTIMS.length] ?? "relay";
  };
  const running = (async () => {
    for (let wanted = KILL_EVERY_FACTS; !state.stopped; wanted += KILL_EVERY_FACTS) {
      // Tied to what happens, not to time: a machine that is slow is not killed to a standstill.
      await until(
        `${wanted} facts`,
        async () =>
          state.stopped ||
          (await ledger.list({ limit: wanted, order: "newest-first" })).facts.length >= wanted ||
          undefined,
        TIMEOUT_MS,
      );
      if (state.stopped) return;
      const victim = next();
      killed.push(victim);
      await plane.restart(victim);
    }
  })();
  return async (): Promise<readonly string[]> => {
    state.stopped = true;
    await running;
    return killed;
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

test.skipIf(why !== "")(
  `killed services lose nothing and double nothing on Firestore and Pub/Sub (seed ${SEED})${why === "" ? "" : ` SKIPPED: ${why}`}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const plane = await startEmulatedPlane(temporaryFolder(), PEOPLE);
    onTestFinished(() => plane.stop());
    const narrator = createNarrator({ write: () => true } as never, () => performance.now(), false);
    const options = { ray: undefined, narrator, signal: new AbortController().signal };
    const tour = createStage(tourOf({ ...plane, webhookSecret: plane.keys.webhookSecret }, options));
    // Killed services need longer than the tour's own patience.
    const stage = {
      ...tour,
      until: <Value>(what: string, probe: () => Promise<Value | undefined>) =>
        tour.until(what, probe, STEP_TIMEOUT_MS),
    };
    const store = openStore({ project: EMULATED_PROJECT, emulator: plane.emulators.firestore }, systemClock);
    onTestFinished(() => store.close());
    const ledger = createLedger(store);
    const stopKilling = killAtRandom(plane, ledger);
    onTestFinished(async () => void (await stopKilling()));
    const clone = await createPlatform(stage);
    await mergePullRequest(stage, clone, await openPullRequest(stage, clone));
    expect((await stopKilling()).length).toBeGreaterThan(2);

    const outbox = createOutbox(store);
    await until("every fact to be published", async () =>
      (await outbox.pending("9999-01-01T00:00:00.000Z", 1)).length === 0 ? true : undefined,
    );
    expect(await createReceipts(store).pending(10)).toEqual([]);
    expect((await createDeadLetters(store).list(10)).letters).toEqual([]);
    const facts = await allFacts(ledger);
    const counted = Object.groupBy(facts, ({ type }) => type);
    expect(counted["apply.finished"]?.length).toBe(2);
    expect(counted["apply.failed"]).toBeUndefined();
    expect(new Set(facts.map(({ id }) => id)).size).toBe(facts.length);
  },
);
