// The document of an endpoint is fed by streams of which each is in order, and no two are: it is the same in every order.
import { expect, test } from "vitest";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { ViewDocument } from "../../shared/ports/views.ts";
import { endpointPuts } from "../../services/rollout/view-of-endpoints.ts";
import { ENDPOINT, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

let count = 0;
function fact<Type extends FactType>(
  subject: string,
  type: Type,
  data: Partial<FactOf<Type>["data"]>,
  time: string,
) {
  count += 1;
  const envelope = { id: `fact-${count}`, version: count, cause: "test", correlation: "", actor: "test" };
  return { ...envelope, subject, type, data, time } as unknown as AnyFact;
}

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
const moved = (
  epoch: number,
  kind: "first" | "advance" | "rollback",
  from: Record<string, number>,
  to: Record<string, number>,
) => fact(ENDPOINT, "traffic.moved", { epoch, kind, from, to, reason: "", movedAt: at(epoch) }, at(epoch));

/** The document after these facts. A first version that is judged stands at step 0. */
async function documentAfter(facts: readonly AnyFact[]): Promise<ViewDocument | undefined> {
  let document: ViewDocument | undefined;
  const read = async (collection: string) =>
    collection === "rollouts" ? { previous: null, step: 0 } : document;
  for (const each of facts)
    for (const put of await endpointPuts(each, read)) document = put.document ?? undefined;
  return document;
}

const [one, two] = [versionNamed(1), versionNamed(2)];

test("a rejected first version stands on the endpoint although its move is told late", async () => {
  const first = moved(1, "first", {}, { [one]: 100 });
  const judged = { modelVersion: one, trigger: "judge" as const, reason: "Half of it failed.", epoch: 1 };
  const rejected = fact(rolloutOf(1), "rollout.rolled-back", judged, at(3));
  const inOrder = await documentAfter([first, rejected]);
  const outOfOrder = await documentAfter([rejected, first]);
  expect(inOrder?.["problem"]).toMatch(/Half of it failed/);
  expect(outOfOrder?.["problem"]).toBe(inOrder?.["problem"]);
});

test("a rejected first version stands on the endpoint although its queue and configuration are told late", async () => {
  const queued = fact(ENDPOINT, "endpoint.queue-changed", { running: null, waiting: [one] }, at(1));
  const configured = fact(ENDPOINT, "endpoint.configured", { repository: "acme/platform" }, at(2));
  const judged = { modelVersion: one, trigger: "judge" as const, reason: "Half of it failed.", epoch: 1 };
  const rejected = fact(rolloutOf(1), "rollout.rolled-back", judged, at(3));
  const inOrder = await documentAfter([queued, configured, rejected]);
  const outOfOrder = await documentAfter([rejected, queued, configured]);
  expect(inOrder?.["problem"]).toMatch(/Half of it failed/);
  expect(outOfOrder?.["problem"]).toBe(inOrder?.["problem"]);
  expect((await documentAfter([queued]))?.["problem"]).toMatch(/not configured/);
  expect((await documentAfter([queued, configured]))?.["problem"]).toBeNull();
});

test("a rejected first version is forgotten with a later move, in whichever order both are told", async () => {
  const judged = { modelVersion: one, trigger: "judge" as const, reason: "Half of it failed.", epoch: 1 };
  const rejected = fact(rolloutOf(1), "rollout.rolled-back", judged, at(1));
  const next = moved(2, "advance", { [one]: 100 }, { [two]: 100 });
  expect((await documentAfter([rejected, next]))?.["problem"]).toBeNull();
  expect((await documentAfter([next, rejected]))?.["problem"]).toBeNull();
});

test("a version stands well since the rollback to it, although its promotion is told after that", async () => {
  const moves = [
    moved(1, "first", {}, { [one]: 100 }),
    moved(2, "advance", { [one]: 100 }, { [one]: 95, [two]: 5 }),
    moved(3, "rollback", { [one]: 95, [two]: 5 }, { [one]: 100 }),
  ] as const;
  const promoted = fact(rolloutOf(1), "rollout.promoted", { modelVersion: one, epoch: 1 }, at(1));
  const inOrder = await documentAfter([moves[0], promoted, moves[1], moves[2]]);
  const outOfOrder = await documentAfter([...moves, promoted]);
  expect(inOrder?.["goodVersions"]).toStrictEqual([{ modelVersion: one, epoch: 3, since: at(3) }]);
  expect(outOfOrder?.["goodVersions"]).toStrictEqual(inOrder?.["goodVersions"]);
});
