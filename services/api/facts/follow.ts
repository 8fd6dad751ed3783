// Facts as they become durable, from a place in the ledger on. The ledger is asked again and again: so a stream shows what
// other processes record too, and can miss nothing. Where it says that something was recorded, it is asked then, and seldom else.
import { setImmediate } from "node:timers/promises";
import type { AnyFact } from "../../../shared/domain/fact.ts";
import type { FactType } from "../../../shared/domain/facts.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Ledger, LedgerEar } from "../../../shared/ports/ledger.ts";
import { factText, firstText, heartbeatText } from "./event-text.ts";

/** Between two looks at the ledger. */
export const LOOK_EVERY_MS = 250;
/** The same where new facts are heard of: something may have been missed. */
export const LOOK_ANYWAY_EVERY_MS = 5_000;
/** A stream that has nothing to say says so this often: proxies close what is silent for a minute. */
export const HEARTBEAT_EVERY_MS = 15_000;
/** Facts that one look takes. */
export const FACTS_PER_LOOK_MAX = 200;

/** What following needs. */
export interface FollowPorts {
  readonly ledger: Pick<Ledger, "list" | "listen">;
  readonly clock: Clock;
}

/** Which facts are followed. */
export interface FactFilter {
  readonly subject: string | undefined;
  readonly types: readonly FactType[] | undefined;
}

/** Where a stream begins. */
export interface Beginning {
  /** Facts that are told first: the newest ones so far. */
  readonly backlog: readonly { readonly fact: AnyFact; readonly cursor: string }[];
  /** Facts strictly after this cursor follow; undefined for all. */
  readonly after: string | undefined;
}

/** The end of the ledger as it stands, with the newest `count` facts of the filter before it, oldest first. */
export async function beginAtEnd(
  { ledger }: Pick<FollowPorts, "ledger">,
  { subject, types }: FactFilter,
  count: number,
): Promise<Beginning> {
  // The end first: what comes between the two looks is in the backlog or follows it, and `follow` tells it once.
  const end = await ledger.list({ limit: 1, order: "newest-first" });
  const after = end.cursors[0];
  if (count === 0) return { backlog: [], after };
  const { facts, cursors } = await ledger.list({
    limit: count,
    order: "newest-first",
    ...(subject === undefined ? {} : { subject }),
    ...(types === undefined ? {} : { types }),
  });
  const backlog = facts.map((fact, index) => ({ fact, cursor: cursors[index] ?? "" }));
  return { backlog: backlog.toReversed(), after };
}

function wants({ subject, types }: FactFilter, fact: AnyFact): boolean {
  if (types?.includes(fact.type) === false) return false;
  if (subject === undefined) return true;
  return subject.endsWith("/") ? fact.subject.startsWith(subject) : fact.subject === subject;
}

/** Waits until the ledger should be asked again. */
async function untilNews(
  clock: Clock,
  ear: LedgerEar | undefined,
  heard: number,
  signal: AbortSignal,
): Promise<void> {
  if (ear === undefined) return clock.sleep(LOOK_EVERY_MS, signal);
  return ear.wait(heard, ear.isHearing() ? LOOK_ANYWAY_EVERY_MS : LOOK_EVERY_MS, signal);
}

/** The stream's text, in pieces, until the signal aborts. */
export async function* follow(
  ports: FollowPorts,
  filter: FactFilter,
  beginning: Beginning,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const ear = ports.ledger.listen?.();
  try {
    yield* followBy(ports, ear, filter, beginning, signal);
  } finally {
    ear?.close();
  }
}

async function* followBy(
  { ledger, clock }: FollowPorts,
  ear: LedgerEar | undefined,
  filter: FactFilter,
  { backlog, after }: Beginning,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const told = new Set(backlog.map(({ fact }) => fact.id));
  let cursor = after;
  // The place comes first, so that whoever is cut off before anything happens comes back to it.
  yield firstText(cursor) + backlog.map(({ fact, cursor: its }) => factText(fact, its)).join("");
  let spokeAtMs = clock.now().getTime();
  while (!signal.aborted) {
    const heard = ear?.heard() ?? 0;
    const place = cursor === undefined ? {} : { after: cursor };
    const { facts, cursors } = await ledger.list({
      limit: FACTS_PER_LOOK_MAX,
      order: "oldest-first",
      ...place,
    });
    const texts = facts.map((fact, index) =>
      told.has(fact.id) || !wants(filter, fact) ? "" : factText(fact, cursors[index] ?? ""),
    );
    cursor = cursors.at(-1) ?? cursor;
    const text = texts.join("");
    if (text !== "") {
      spokeAtMs = clock.now().getTime();
      yield text;
    }
    if (facts.length === FACTS_PER_LOOK_MAX) {
      // Reading is synchronous underneath: others get their turn between two looks.
      await setImmediate();
      continue;
    }
    if (clock.now().getTime() - spokeAtMs >= HEARTBEAT_EVERY_MS) {
      spokeAtMs = clock.now().getTime();
      yield heartbeatText(cursor);
    }
    await untilNews(clock, ear, heard, signal);
  }
}
