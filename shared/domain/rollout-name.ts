// The names of rollouts: derived from what is rolled out where, so that every retry names the same stream.
import { shortHash } from "./fact.ts";
import { lastId, parentName, parseName } from "./names.ts";

/** Longest readable part of a rollout id, so that the whole stays a name of at most 63 characters. */
const READABLE_LENGTH_MAX = 50;

/** Name of the attempt-th rollout of a model version on an endpoint: `…/rollouts/{model}-{version}-{attempt}-{hash4}`. */
export function rolloutName(endpoint: string, modelVersion: string, attempt: number): string {
  const model = lastId(parentName(modelVersion));
  const readable = `${model}-${lastId(modelVersion)}`.slice(0, READABLE_LENGTH_MAX).replace(/-+$/, "");
  return `${endpoint}/rollouts/${readable}-${attempt}-${shortHash(endpoint, modelVersion).slice(0, 4)}`;
}

/** The endpoint that a rollout belongs to. */
export function endpointOf(rollout: string): string {
  return parentName(rollout);
}

/** What one move of a rollout's traffic was for; it is the last part of the move's cause in the traffic document. */
export type MovePurpose =
  | { readonly kind: "step"; readonly step: number; readonly override: boolean }
  | { readonly kind: "promote"; readonly override: boolean }
  | { readonly kind: "take-back"; readonly trigger: TakeBackTrigger }
  | { readonly kind: "abort" | "replace" };

/** What can take a candidate back. */
export const TAKE_BACK_TRIGGERS = [
  "judge",
  "inconclusive",
  "person",
  "timer",
  "release-failed",
  "execution-failed",
] as const;
/** What took a candidate back. */
export type TakeBackTrigger = (typeof TAKE_BACK_TRIGGERS)[number];

const STEP = /^step-(\d{1,4})(-override)?$/;

/** The cause of a rollout's move: if the record of a move is lost in a crash, the move itself says what it was. */
export function moveCause(rollout: string, purpose: MovePurpose): string {
  switch (purpose.kind) {
    case "step":
      return `${rollout}/step-${purpose.step}${purpose.override ? "-override" : ""}`;
    case "promote":
      return `${rollout}/promote${purpose.override ? "-override" : ""}`;
    case "take-back":
      return `${rollout}/take-back-${purpose.trigger}`;
    case "abort":
    case "replace":
      return `${rollout}/${purpose.kind}`;
  }
}

function parsePurpose(text: string): MovePurpose | undefined {
  if (text === "abort" || text === "replace") return { kind: text };
  if (text === "promote" || text === "promote-override")
    return { kind: "promote", override: text !== "promote" };
  const trigger = TAKE_BACK_TRIGGERS.find((known) => text === `take-back-${known}`);
  if (trigger !== undefined) return { kind: "take-back", trigger };
  const [matched, step = "", override] = STEP.exec(text) ?? [];
  return matched === undefined
    ? undefined
    : { kind: "step", step: Number(step), override: override !== undefined };
}

/** Reads a move's cause: whose rollout it belongs to and what it was for; undefined when no rollout made the move. */
export function readMoveCause(
  cause: string,
): { readonly rollout: string; readonly purpose: MovePurpose } | undefined {
  const cut = cause.lastIndexOf("/");
  const rollout = cause.slice(0, Math.max(0, cut));
  const purpose = parsePurpose(cause.slice(cut + 1));
  return purpose === undefined || parseName("rollout", rollout) === undefined
    ? undefined
    : { rollout, purpose };
}
