// A fold that goes on from a snapshot is the same fold, and a snapshot that cannot be kept or used costs nothing but time.
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import type { Decider } from "../../shared/domain/decider.ts";
import { endpoint } from "../../shared/domain/endpoint.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import { model } from "../../shared/domain/model.ts";
import { stack } from "../../shared/domain/stack.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { load, record, SNAPSHOT_EVERY_FACTS } from "../../shared/runtime/record.ts";
import { createVirtualClock, turns } from "../support/clock.ts";
import { factFrom } from "../support/facts.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const version = (id: number): string => `teams/default/models/ranker/versions/${id}`;
const rollout = (id: number): string => `${ENDPOINT}/rollouts/r${id}`;
const apply = (id: number): string => `stacks/web/applies/a${id}`;
const digit = fc.integer({ min: 1, max: 6 });
const digest = `sha256:${"0".repeat(64)}`;

const movedFact = digit.map((epoch): Draft => ({
  type: "traffic.moved",
  data: {
    epoch,
    kind: "advance",
    moveCause: `c${epoch}`,
    reason: "step",
    from: {},
    to: { [version(epoch)]: 100 },
    movedAt: "2026-01-01T00:00:00.000Z",
  },
}));
const endpointFacts = fc.oneof(
  movedFact,
  fc.constant<Draft>({ type: "endpoint.held", data: { reason: "look" } }),
  fc.constant<Draft>({ type: "endpoint.resumed", data: { reason: "go" } }),
  digit.map((id): Draft => ({ type: "traffic.history-gap", data: { afterEpoch: id, beforeEpoch: id + 3 } })),
  fc.tuple(digit, digit).map(([one, other]): Draft => ({
    type: "endpoint.queue-changed",
    data: {
      running: rollout(one),
      waiting: [rollout(other)],
      replacing: rollout(other),
      dropped: [rollout(9)],
    },
  })),
  digit.map((id): Draft => ({
    type: "endpoint.configured",
    data: {
      repository: "platform",
      commit: `c${id}`,
      serving: { parameters: { replicas: id }, directory: "." },
      rollout: { steps: [id, 50] },
      standbyMs: id,
    },
  })),
);
const modelFacts = fc.oneof(
  digit.map((id): Draft => ({
    type: "model-version.created",
    data: {
      modelVersion: version(id),
      artifact: { uri: "file:///m", digest },
      datasets: [],
      metrics: { a: id },
    },
  })),
  digit.map((id): Draft => ({
    type: "model-version.verified",
    data: { modelVersion: version(id), artifact: { uri: "file:///m", digest } },
  })),
  digit.map((id): Draft => ({
    type: "model-version.rejected",
    data: { modelVersion: version(id), reason: "R", message: "m" },
  })),
);
const counts = { create: 1, update: 0, replace: 0, delete: 0, read: 0 };
const requested = (id: number) => ({
  apply: apply(id),
  repository: "platform",
  mergeCommit: `m${id}`,
  mergeOrder: id,
  after: id > 1 ? [apply(id - 1)] : [],
  closureDigest: `d${id}`,
});
const outcome = (id: number) => ({ apply: apply(id), plan: `stacks/web/plans/p${id}`, build: `b${id}` });
const failure = { message: "m", nextStep: "mend it" } as const;
const stackFacts = fc.oneof(
  digit.map((id): Draft => ({ type: "stack.blocked", data: { reason: `r${id}`, apply: apply(id) } })),
  fc.constant<Draft>({ type: "stack.unblocked", data: { reason: "looked" } }),
  digit.map((id): Draft => ({ type: "apply.requested", data: requested(id) })),
  digit.map((id): Draft => ({ type: "apply.requested", data: requested(id) })),
  digit.map((id): Draft => ({ type: "apply.started", data: { ...outcome(id), digest: "d" } })),
  digit.map((id): Draft => ({
    type: "apply.finished",
    data: { ...outcome(id), mergeCommit: `m${id}`, counts, outputs: [], stateSerial: id, durationMs: 5 },
  })),
  digit.map((id): Draft => ({
    type: "apply.failed",
    data: { ...outcome(id), reason: "APPLY_FAILED", ...failure },
  })),
  digit.map((id): Draft => ({
    type: "stack.apply-interrupted",
    data: { apply: apply(id), build: `b${id}`, resources: ["a.b"], ...failure },
  })),
);

/** Whether folding on from what was kept after `cut` facts is folding all of them. */
function foldsTheSame<State, Input, Type extends FactType>(
  { initial, evolve, snapshots }: Decider<State, Input, Type>,
  drafts: readonly Draft[],
  cut: number,
): void {
  const facts = drafts.map((draft, index) => factFrom(draft, { version: index + 1, cause: `c${index}` }));
  const fold = (from: State, some: readonly unknown[]): State =>
    (some as readonly Parameters<typeof evolve>[1][]).reduce(evolve, from);
  const kept = JSON.stringify(snapshots?.freeze(fold(initial, facts.slice(0, cut))));
  const thawed = snapshots?.thaw(JSON.parse(kept)) ?? initial;
  expect(fold(thawed, facts.slice(cut))).toEqual(fold(initial, facts));
}

describe("a fold that goes on from a snapshot is the same fold", () => {
  test.each([
    ["of an endpoint", endpoint, endpointFacts],
    ["of a model", model, modelFacts],
    ["of a stack", stack, stackFacts],
  ] as const)("%s, wherever it was cut", (_, decider, facts) => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 60 }), fc.nat(60), (drafts, cut) => {
        foldsTheSame(decider as Decider<unknown, unknown, FactType>, drafts, Math.min(cut, drafts.length));
      }),
      { numRuns: 300 },
    );
  });
});

function world(wrap: (ledger: Ledger) => Ledger = (ledger) => ledger) {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const ledger = wrap(createLedger(db));
  const ports = { ledger, clock: createVirtualClock(), announce: async () => {} };
  const move = (epoch: number) =>
    record(ports, endpoint, {
      stream: ENDPOINT,
      cause: `traffic/${epoch}`,
      input: {
        kind: "observe-move",
        move: {
          epoch,
          kind: "advance",
          moveCause: `c${epoch}`,
          reason: "step",
          from: {},
          to: { [version(1)]: 100 },
          movedAt: "2026-01-01T00:00:00.000Z",
        },
      },
      actor: "ada",
    });
  const moves = async (from: number, to: number): Promise<void> => {
    for (let epoch = from; epoch <= to; epoch += 1) await move(epoch);
    await turns();
  };
  return { ledger, moves };
}

const { snapshots: _, ...plain } = endpoint;

describe("a long stream", () => {
  test("is folded from its snapshot on, and comes to the same as from the beginning", async () => {
    const { ledger, moves } = world();
    await moves(1, SNAPSHOT_EVERY_FACTS * 2 + 10);
    const quick = await load(ledger, endpoint, ENDPOINT);
    const whole = await load(ledger, plain, ENDPOINT);
    expect(quick.folded).toBeLessThan(SNAPSHOT_EVERY_FACTS);
    expect(whole.folded).toBe(SNAPSHOT_EVERY_FACTS * 2 + 10);
    expect([quick.state, quick.version]).toEqual([whole.state, whole.version]);
  });

  test("whose snapshot is of an older program is folded anew, and the old one is dropped", async () => {
    const { ledger, moves } = world();
    const old = { name: "endpoint", schema: 0 };
    await moves(1, 3);
    await ledger.keepSnapshot(ENDPOINT, old, { version: 3, state: { wrong: true } });
    expect((await load(ledger, endpoint, ENDPOINT)).state).toEqual(
      (await load(ledger, plain, ENDPOINT)).state,
    );
    await moves(4, SNAPSHOT_EVERY_FACTS);
    expect(await ledger.snapshot(ENDPOINT, old)).toBeUndefined();
  });

  test("whose snapshot cannot be kept is recorded all the same", async () => {
    const { ledger, moves } = world((inner) => ({
      ...inner,
      keepSnapshot: () => Promise.reject(new Error("the disk is full")),
    }));
    await moves(1, SNAPSHOT_EVERY_FACTS + 5);
    expect((await load(ledger, endpoint, ENDPOINT)).folded).toBe(SNAPSHOT_EVERY_FACTS + 5);
  });

  test("that is short has none", async () => {
    const { ledger, moves } = world();
    await moves(1, SNAPSHOT_EVERY_FACTS - 1);
    expect(await ledger.snapshot(ENDPOINT, { name: "endpoint", schema: 1 })).toBeUndefined();
  });
});
