// What an endpoint served when: one interval for each move of traffic, open until the next.
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { ReadView } from "../../shared/runtime/project.ts";
import { ENDPOINTS, SERVING_INTERVALS } from "./view-names.ts";

/** Digits of an epoch in a key, so that keys sort as epochs do. */
const EPOCH_DIGITS = 10;

/** Key of the interval that a move of this epoch began. */
export function intervalKey(endpoint: string, epoch: number): string {
  return `${endpoint}@${String(epoch).padStart(EPOCH_DIGITS, "0")}`;
}

const put = (key: string, document: ViewDocument): ViewPut => ({
  collection: SERVING_INTERVALS,
  key,
  document,
});

/** The interval before a move ends with it; it is uncertain when moves between the two are missing. */
async function endBefore(
  fact: FactOf<"traffic.moved">,
  read: ReadView,
  last: number,
): Promise<readonly ViewPut[]> {
  const { epoch, movedAt } = fact.data;
  const previous = epoch > last ? last : epoch - 1;
  const key = intervalKey(fact.subject, previous);
  const before = await read(SERVING_INTERVALS, key);
  if (before === undefined) return [];
  const certain = previous === epoch - 1;
  return [put(key, { ...before, endTime: movedAt, certain, updateTime: fact.time })];
}

/** Changes of the serving intervals of one endpoint. */
export async function intervalPuts(fact: AnyFact, read: ReadView): Promise<readonly ViewPut[]> {
  if (fact.type !== "traffic.moved") return [];
  const { epoch, kind, to, reason, movedAt } = fact.data;
  const last = Number((await read(ENDPOINTS, fact.subject))?.["epoch"] ?? 0);
  const next = epoch < last ? await read(SERVING_INTERVALS, intervalKey(fact.subject, epoch + 1)) : undefined;
  const key = intervalKey(fact.subject, epoch);
  return [
    ...(await endBefore(fact, read, last)),
    put(key, {
      name: key,
      createTime: fact.time,
      updateTime: fact.time,
      endpoint: fact.subject,
      epoch,
      kind,
      weights: to,
      reason,
      actor: fact.actor,
      startTime: movedAt,
      endTime: next?.["startTime"] ?? null,
      certain: epoch > last || next !== undefined,
    }),
  ];
}
