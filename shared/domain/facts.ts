// The vocabulary: every fact type and the schema of its data. Names and fields are kept for ever; additions only.
import type { Static } from "typebox";
import { FACTS_OF_DATA } from "./facts-of-data.ts";
import { FACTS_OF_OPERATING } from "./facts-of-operating.ts";
import { FACTS_OF_PROVISIONING } from "./facts-of-provisioning.ts";
import { FACTS_OF_SERVING } from "./facts-of-serving.ts";

/** Fact type → schema of its data. */
export const FACTS = {
  ...FACTS_OF_PROVISIONING,
  ...FACTS_OF_SERVING,
  ...FACTS_OF_DATA,
  ...FACTS_OF_OPERATING,
} as const;

/** The name of a fact, as used in code. */
export type FactType = keyof typeof FACTS;

/** The data of a fact. */
export type FactData<Type extends FactType> = Static<(typeof FACTS)[Type]>;

const WIRE_PREFIX = "dev.signalbox.";
const WIRE_SUFFIX = ".v1";

/** The CloudEvents `type` of a fact: `plan.finished` → `dev.signalbox.plan.finished.v1`. */
export function wireType(type: FactType): string {
  return `${WIRE_PREFIX}${type}${WIRE_SUFFIX}`;
}

/** The fact type of a CloudEvents `type`, or undefined when it is not of our vocabulary. */
export function factType(wire: string): FactType | undefined {
  if (!wire.startsWith(WIRE_PREFIX) || !wire.endsWith(WIRE_SUFFIX)) return undefined;
  const type = wire.slice(WIRE_PREFIX.length, -WIRE_SUFFIX.length);
  return Object.hasOwn(FACTS, type) ? (type as FactType) : undefined;
}
