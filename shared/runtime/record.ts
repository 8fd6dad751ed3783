// The one way in which a stream grows: fold, decide, append, unless the cause has an answer. Idempotency lives here and nowhere else.
import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Decider, Decision } from "../domain/decider.ts";
import { ControlPlaneError } from "../domain/errors.ts";
import { type Actor, type AnyFact, type FactOf, factId } from "../domain/fact.ts";
import type { FactType } from "../domain/facts.ts";
import type { Clock } from "../ports/clock.ts";
import type { Batch, Ledger, RecordedDecision } from "../ports/ledger.ts";
import { beginning, forgetState, grown, type Known, knownState, rememberState } from "./known-states.ts";
import { checkFactData } from "./parse.ts";
import { storyOfStream } from "./stream-story.ts";
import { deeperStory, placeOf, tellBuilds } from "./tracing.ts";

/** How often a lost race is read, folded and decided again before the caller is asked to come back. */
export const RECORD_ATTEMPTS_MAX = 16;
/** Facts and timers that one decision may hold: a Firestore batch of them with cause and outbox stays far below 500 writes. */
export const FACTS_PER_DECISION_MAX = 50;

/** What recording needs from the world. */
export interface RecordPorts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Told after facts became durable; only a nudge, the outbox holds them already. */
  announce(facts: readonly AnyFact[]): Promise<void>;
}

/** One input to a decider. */
export interface RecordRequest<Input> {
  readonly stream: string;
  /** Idempotency key: the same cause is decided once on this stream. */
  readonly cause: string;
  readonly input: Input;
  readonly actor: Actor;
  /** W3C `traceparent` of the story; default: that of the work under way, or of the same story on this stream. */
  readonly correlation?: string;
  /** The stream is most likely new: it is not read first, as the append tells whether it is there. */
  readonly isNew?: boolean;
  /** What identifies the content of the cause; default: the input. Leave out what differs between retries (a time, a token). */
  readonly inputHash?: unknown;
}

/** What was recorded, now or earlier. */
export type Recorded<Type extends FactType> =
  | { readonly status: "appended" | "duplicate"; readonly facts: readonly FactOf<Type>[] }
  | { readonly status: "ignored"; readonly reason: string; readonly facts: readonly [] };

/** Facts after which a snapshot of a long stream is kept anew. */
export const SNAPSHOT_EVERY_FACTS = 200;

/** A stream as it was folded. */
export interface Loaded<State> {
  readonly state: State;
  /** The version at which the next batch must be appended. */
  readonly version: number;
  /** Facts that were folded since the snapshot, or since the beginning. */
  readonly folded: number;
}

/** The stream with all that the ledger has of it: from what is remembered, else from its snapshot, else from its beginning. */
async function look<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  stream: string,
): Promise<Known<State>> {
  const known = knownState(ledger, decider, stream);
  if (known !== undefined) {
    const later = await ledger.read(stream, known.version);
    const isShared = later.version > known.version;
    if (later.version >= known.version)
      return rememberState(ledger, decider, stream, grown(decider, { ...known, isShared }, later));
    // Streams never shrink: the ledger was put back to an earlier time, and what is remembered never was.
    forgetState(ledger, stream);
  }
  const { snapshots, initial } = decider;
  const kept = snapshots === undefined ? undefined : await ledger.snapshot(stream, snapshots);
  const from = kept === undefined || snapshots === undefined ? initial : snapshots.thaw(kept.state);
  const begin = beginning(from, kept === undefined);
  const found = grown(decider, begin, await ledger.read(stream, kept?.version ?? 0));
  return rememberState(ledger, decider, stream, found);
}

/** State of a stream folded by its decider, as the ledger has it now. */
export async function load<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  stream: string,
): Promise<Loaded<State>> {
  const { state, version, folded } = await look(ledger, decider, stream);
  return { state, version, folded };
}

/** SHA-256 of the RFC 8785 JSON of the content. */
function hashOf(content: unknown): string {
  return hash("sha256", canonicalize(content) ?? "");
}

/** The answer to a cause that was decided before: the same as then, if it has the same content. */
function repeat<Type extends FactType>(known: RecordedDecision, inputHash: string): Recorded<Type> {
  if (known.inputHash !== inputHash) {
    throw new ControlPlaneError(
      "ALREADY_EXISTS",
      `${known.cause} was used at ${known.time} on ${known.stream} with other content. Use a new request id for new content.`,
      { reason: "CAUSE_REUSED", metadata: { cause: known.cause, stream: known.stream, time: known.time } },
    );
  }
  if (known.ignored !== undefined) return { status: "ignored", reason: known.ignored, facts: [] };
  return { status: "duplicate", facts: known.facts as readonly FactOf<Type>[] };
}

/** The batch of a decision, checked: what is in a stream stays there for ever. */
function batchOf<Type extends FactType>(
  { stream, cause, actor }: Omit<RecordRequest<unknown>, "input" | "inputHash" | "correlation">,
  decision: Decision<Type>,
  at: {
    readonly expected: number;
    readonly time: string;
    readonly inputHash: string;
    readonly correlation: string;
  },
): Batch {
  const drafts = decision.kind === "facts" ? decision.facts : [];
  const due = decision.kind === "facts" ? (decision.due ?? []) : [];
  if (
    decision.kind === "facts" &&
    (drafts.length === 0 || drafts.length > FACTS_PER_DECISION_MAX || due.length > FACTS_PER_DECISION_MAX)
  ) {
    throw new ControlPlaneError(
      "INTERNAL",
      `A decision on ${stream} has ${drafts.length} facts and ${due.length} timers; it must have 1 to ${FACTS_PER_DECISION_MAX} facts and no more timers. This is a defect: please report it.`,
      { reason: "DECISION_SIZE", metadata: { stream, cause } },
    );
  }
  const facts = drafts.map(({ type, data }, index) => {
    checkFactData(type, data);
    const version = at.expected + 1 + index;
    return {
      id: factId(stream, cause, index),
      type,
      subject: stream,
      version,
      time: at.time,
      cause,
      correlation: at.correlation,
      actor,
      data,
    } as AnyFact;
  });
  const startMs = Date.parse(at.time);
  const batch = {
    stream,
    cause,
    actor,
    facts,
    due: due.map((each) =>
      "time" in each ? each : { name: each.name, time: new Date(startMs + each.afterMs).toISOString() },
    ),
    expected: at.expected,
    inputHash: at.inputHash,
    time: at.time,
  };
  return decision.kind === "ignored" ? { ...batch, ignored: decision.reason } : batch;
}

/** Keeps the state after a decision, beside the caller's way: nobody waits for a cache. */
async function keepSnapshot<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  stream: string,
  { version, state, folded }: Known<State>,
): Promise<void> {
  const { snapshots } = decider;
  if (snapshots === undefined) return;
  // One that could not be kept costs nothing but time: the next decision on this stream keeps another, and a ledger that is
  // down says so to whoever asks it for something that counts.
  await ledger.keepSnapshot(stream, snapshots, { version, state: snapshots.freeze(state) });
  const now = knownState(ledger, decider, stream);
  if (now !== undefined)
    rememberState(ledger, decider, stream, { ...now, folded: Math.max(0, now.folded - folded) });
}

/** What follows an append: the state is remembered, and kept when it is time. */
function rememberAppended<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  { stream, expected, facts }: Batch,
  before: Known<State>,
): void {
  const after = grown(decider, before, { version: expected + Math.max(facts.length, 1), facts });
  rememberState(ledger, decider, stream, after);
  if (facts.length > 0 && after.folded >= SNAPSHOT_EVERY_FACTS)
    keepSnapshot(ledger, decider, stream, after).catch(() => undefined);
}

/**
 * The state to decide on at first, as the append tells whether it is so: what this process remembers, or nothing yet. None for a stream
 * that others write too: a lost race costs more than a look.
 */
function guessed<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  { stream, isNew }: RecordRequest<Input>,
): Known<State> | undefined {
  const known = knownState(ledger, decider, stream);
  if (known === undefined) return isNew === true ? beginning(decider.initial) : undefined;
  return known.isShared ? undefined : known;
}

/**
 * Records what the decider makes of one input. Safe to repeat and to race: a cause is decided once, and its answer is given
 * again; a lost race is folded and decided afresh. What the decider throws reaches the caller and nothing is recorded.
 * Throws ALREADY_EXISTS `CAUSE_REUSED` for a known cause with other content, ABORTED when every race was lost.
 */
export async function record<State, Input, Type extends FactType>(
  ports: RecordPorts,
  decider: Decider<State, Input, Type>,
  request: RecordRequest<Input>,
): Promise<Recorded<Type>> {
  const { ledger, clock } = ports;
  const { stream, cause, input } = request;
  const inputHash = hashOf(request.inputHash ?? input);
  for (let attempt = 1; attempt <= RECORD_ATTEMPTS_MAX; attempt++) {
    const guess = attempt === 1 ? guessed(ledger, decider, request) : undefined;
    const before = guess ?? (await look(ledger, decider, stream));
    let decision: Decision<Type>;
    try {
      decision = decider.decide(before.state, input);
    } catch (error) {
      // Only what the ledger has now can refuse, and only what it has not answered before.
      if (guess !== undefined) continue;
      const known = await ledger.decision(stream, cause);
      if (known === undefined) throw error;
      return repeat(known, inputHash);
    }
    const drafts = decision.kind === "facts" ? decision.facts : [];
    const named = request.correlation ?? "";
    const story = deeperStory(
      named === "" ? await storyOfStream(ledger, stream, drafts, before.told) : named,
    );
    const batch = batchOf(request, decision, {
      correlation: placeOf(
        drafts.map(({ type }) => type),
        story,
      ),
      expected: before.version,
      time: clock.now().toISOString(),
      inputHash,
    });
    const outcome = await ledger.append(batch);
    if (outcome === "decided") {
      const known = await ledger.decision(stream, cause);
      if (known !== undefined) return repeat(known, inputHash);
    }
    if (outcome !== "appended") continue;
    rememberAppended(ledger, decider, batch, before);
    if (decision.kind === "ignored") return { status: "ignored", reason: decision.reason, facts: [] };
    tellBuilds(batch.facts, story);
    await ports.announce(batch.facts);
    return { status: "appended", facts: batch.facts as readonly FactOf<Type>[] };
  }
  throw new ControlPlaneError(
    "ABORTED",
    `${stream} was changed by others ${RECORD_ATTEMPTS_MAX} times while ${cause} was decided. Try again.`,
    { reason: "STREAM_CONTENDED", metadata: { stream, cause } },
  );
}
