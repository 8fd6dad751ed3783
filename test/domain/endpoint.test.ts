import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  endpoint,
  type EndpointFactType,
  type EndpointInput,
  type EndpointState,
} from "../../shared/domain/endpoint.ts";
import { NO_EPOCHS, onRecord, withEpoch, withGap } from "../../shared/domain/endpoint-epochs.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Draft, FactOf } from "../../shared/domain/fact.ts";
import type { FactData } from "../../shared/domain/facts.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const rolloutNamed = (id: string) => `${ENDPOINT}/rollouts/${id}`;

const settings: FactData<"endpoint.configured"> = {
  repository: "platform",
  commit: "c1",
  serving: {
    parameters: { replicas: 2 },
    local: { command: ["node", "server.mjs"], readiness: "/healthz" },
    directory: ".",
  },
  rollout: { steps: [5, 50] },
  standbyMs: 1_800_000,
};

const move = (epoch: number): FactData<"traffic.moved"> => ({
  epoch,
  kind: "advance",
  moveCause: `cause-${epoch}`,
  reason: "step",
  from: {},
  to: { "teams/default/models/ranker/versions/1": 100 },
  movedAt: "2026-01-01T00:00:00.000Z",
});

const asFact = (draft: Draft<EndpointFactType>, version: number): FactOf<EndpointFactType> => ({
  ...draft,
  id: `f${version}`,
  subject: ENDPOINT,
  version,
  time: "2026-01-01T00:00:00.000Z",
  cause: "c",
  correlation: "",
  actor: "t",
});

/** A stream that is driven by inputs, as the ledger would. */
function stream() {
  let state: EndpointState = endpoint.initial;
  const facts: FactOf<EndpointFactType>[] = [];
  return {
    state: () => state,
    facts,
    when(input: EndpointInput) {
      const decision = endpoint.decide(state, input);
      if (decision.kind === "ignored") return decision.reason;
      for (const draft of decision.facts) {
        const fact = asFact(draft, facts.length + 1);
        facts.push(fact);
        state = endpoint.evolve(state, fact);
      }
      return decision.facts;
    },
  };
}

const refusal = (run: () => unknown): ControlPlaneError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ControlPlaneError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("the configuration of an endpoint", () => {
  test("is not taken back by an older merge that is heard of later", () => {
    const it = stream();
    it.when({ kind: "configure", settings: { ...settings, mergeOrder: 5 } });
    expect(it.when({ kind: "configure", settings: { ...settings, commit: "older", mergeOrder: 4 } })).toBe(
      "a newer merge has configured this endpoint",
    );
  });

  test("is recorded once and again only when something in it changes", () => {
    const it = stream();
    expect(it.when({ kind: "configure", settings })).toEqual([
      { type: "endpoint.configured", data: settings },
    ]);
    expect(it.when({ kind: "configure", settings: structuredClone(settings) })).toBe(
      "the configuration is the same",
    );
    const changed = { ...settings, standbyMs: 60_000 };
    expect(it.when({ kind: "configure", settings: changed })).toEqual([
      { type: "endpoint.configured", data: changed },
    ]);
  });

  test("belongs to one repository; another one is refused with the owner's name", () => {
    const it = stream();
    it.when({ kind: "configure", settings });
    const error = refusal(() =>
      it.when({ kind: "configure", settings: { ...settings, repository: "other" } }),
    );
    expect(error).toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "ENDPOINT_OWNED_ELSEWHERE",
      metadata: { owner: "platform" },
    });
  });
});

describe("the queue of an endpoint", () => {
  const [a, b, c] = [rolloutNamed("a"), rolloutNamed("b"), rolloutNamed("c")] as const;

  test("runs the first rollout at once and lets the others wait in order", () => {
    const it = stream();
    expect(it.when({ kind: "rollout-queued", rollout: a })).toEqual([
      { type: "endpoint.queue-changed", data: { running: a, waiting: [] } },
    ]);
    it.when({ kind: "rollout-queued", rollout: b });
    it.when({ kind: "rollout-queued", rollout: c });
    expect(it.state().queue).toEqual({ running: a, waiting: [b, c] });
    it.when({ kind: "rollout-ended", rollout: a });
    expect(it.state().queue).toEqual({ running: b, waiting: [c] });
  });

  test("knows a rollout once, running or waiting", () => {
    const it = stream();
    it.when({ kind: "rollout-queued", rollout: a });
    it.when({ kind: "rollout-queued", rollout: b });
    expect(it.when({ kind: "rollout-queued", rollout: a })).toBe("this rollout is in the queue already");
    expect(it.when({ kind: "rollout-queued", rollout: b })).toBe("this rollout is in the queue already");
    expect(it.when({ kind: "rollout-ended", rollout: c })).toBe("this rollout is not in the queue");
  });

  test("drops a waiting rollout that was aborted without touching the running one", () => {
    const it = stream();
    for (const rollout of [a, b, c]) it.when({ kind: "rollout-queued", rollout });
    it.when({ kind: "rollout-ended", rollout: b });
    expect(it.state().queue).toEqual({ running: a, waiting: [c] });
  });

  test("stands still while the endpoint is held and goes on with the oldest when it is resumed", () => {
    const it = stream();
    it.when({ kind: "rollout-queued", rollout: a });
    it.when({ kind: "hold", reason: "rolled back", epoch: 3 });
    it.when({ kind: "rollout-queued", rollout: b });
    it.when({ kind: "rollout-queued", rollout: c });
    it.when({ kind: "rollout-ended", rollout: a });
    expect(it.state().queue).toEqual({ running: null, waiting: [b, c] });
    expect(it.when({ kind: "resume", reason: "fixed" })).toEqual([
      { type: "endpoint.resumed", data: { reason: "fixed" } },
      { type: "endpoint.queue-changed", data: { running: b, waiting: [c] } },
    ]);
  });

  test("loses no rollout and runs none while held, whatever happens in whatever order", () => {
    const names = ["a", "b", "c", "d", "e"].map(rolloutNamed);
    const inputs = fc.oneof(
      fc.constantFrom(...names).map((rollout): EndpointInput => ({ kind: "rollout-queued", rollout })),
      fc.constantFrom(...names).map((rollout): EndpointInput => ({ kind: "rollout-ended", rollout })),
      fc.constantFrom<EndpointInput>({ kind: "hold", reason: "h" }, { kind: "resume", reason: "r" }),
    );
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 60 }), (history) => {
        const it = stream();
        const alive = new Set<string>();
        for (const input of history) {
          const before = it.state();
          it.when(input);
          if (input.kind === "rollout-queued") alive.add(input.rollout);
          if (input.kind === "rollout-ended") alive.delete(input.rollout);
          const { running, waiting } = it.state().queue;
          const present = running === null ? [...waiting] : [running, ...waiting];
          expect(present.toSorted()).toEqual([...alive].toSorted());
          if (it.state().hold === undefined) expect(running === null && waiting.length > 0).toBe(false);
          if (before.hold !== undefined && input.kind !== "resume" && running !== null) {
            expect(running).toBe(before.queue.running);
          }
        }
      }),
    );
  });
});

describe("a hold", () => {
  test("is recorded once, names itself by its fact, and ends once", () => {
    const it = stream();
    expect(it.when({ kind: "resume", reason: "r" })).toBe("the endpoint is not held");
    it.when({ kind: "hold", reason: "rolled back", epoch: 4 });
    expect(it.state().hold).toEqual({ reason: "rolled back", version: 1 });
    expect(it.when({ kind: "hold", reason: "again" })).toBe("the endpoint is held already");
    it.when({ kind: "resume", reason: "fixed" });
    expect(it.state().hold).toBeUndefined();
    it.when({ kind: "hold", reason: "again" });
    expect(it.state().hold?.version).toBe(3);
  });
});

describe("traffic moves", () => {
  test("are recorded in order, once each, with a timer after which drained backends can go", () => {
    const it = stream();
    expect(it.when({ kind: "observe-move", move: move(1) })).toEqual([
      { type: "traffic.moved", data: move(1) },
    ]);
    expect(it.when({ kind: "observe-move", move: move(2) })).toEqual([
      { type: "traffic.moved", data: move(2) },
    ]);
    expect(it.when({ kind: "observe-move", move: move(1) })).toBe("epoch 1 is on record");
    expect(endpoint.decide(it.state(), { kind: "observe-move", move: move(3) })).toMatchObject({
      due: [{ name: "drain", time: "2026-01-01T00:00:10.000Z" }],
    });
  });

  test("that skip epochs say which are missing, and a missing one is still recorded when it turns up", () => {
    const it = stream();
    it.when({ kind: "observe-move", move: move(1) });
    expect(it.when({ kind: "observe-move", move: move(5) })).toEqual([
      { type: "traffic.history-gap", data: { afterEpoch: 1, beforeEpoch: 5 } },
      { type: "traffic.moved", data: move(5) },
    ]);
    expect(it.when({ kind: "observe-move", move: move(3) })).toEqual([
      { type: "traffic.moved", data: move(3) },
    ]);
    expect(it.when({ kind: "observe-move", move: move(3) })).toBe("epoch 3 is on record");
    expect(it.state().epochs).toEqual({
      last: 5,
      gaps: [
        { from: 2, to: 2 },
        { from: 4, to: 4 },
      ],
    });
  });

  test("are each on record exactly once after they were seen in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 60 }), (epochs) => {
        const it = stream();
        for (const epoch of epochs) it.when({ kind: "observe-move", move: move(epoch) });
        const recorded = it.facts.flatMap((fact) => (fact.type === "traffic.moved" ? [fact.data.epoch] : []));
        expect(recorded.toSorted((one, other) => one - other)).toEqual(
          [...new Set(epochs)].toSorted((one, other) => one - other),
        );
        for (let epoch = 1; epoch <= 31; epoch += 1) {
          expect(onRecord(it.state().epochs, epoch)).toBe(epochs.includes(epoch));
        }
      }),
    );
  });

  test("leave a gap as wide as a document's lost history without listing its epochs", () => {
    const wide = withEpoch(withGap(NO_EPOCHS, 0, 1_000_000_000), 1_000_000_000);
    expect(wide.gaps).toEqual([{ from: 1, to: 999_999_999 }]);
    expect(onRecord(wide, 5)).toBe(false);
  });
});
