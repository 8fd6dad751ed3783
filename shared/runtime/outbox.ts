// The pump: takes facts from the outbox to the bus, off the path of whoever recorded them.
import type { AnyFact } from "../domain/fact.ts";
import type { Bus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { DeadLetters } from "../ports/dead-letters.ts";
import type { Outbox, OutboxRow } from "../ports/outbox.ts";
import { backoffMs, RETRY_FOR_MS } from "./backoff.ts";
import { keepExhausted } from "./give-up.ts";
import { createLanes } from "./lanes.ts";
import type { Log } from "./log.ts";

/** Subjects whose facts are published at the same time. */
export const SUBJECTS_AT_ONCE_MAX = 32;
/** Rows that one look at the outbox takes. */
export const ROWS_PER_LOOK_MAX = 500;
/**
 * Failures during which a fact holds back the later facts of its subject. After that they go first: no order is promised,
 * and one fact that nobody can handle must not stop a resource for days.
 */
export const HOLDING_ATTEMPTS_MAX = 3;

/** What the pump stands on. */
export interface PumpPorts {
  readonly outbox: Outbox;
  readonly bus: Bus;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly log: Log;
}

/** Publishes what the outbox holds. */
export interface Pump {
  /** Says that there may be something to publish; never waits for it and never rejects. */
  announce(facts: readonly AnyFact[]): Promise<void>;
  /** Looks at the outbox and starts to publish what is due; resolves when all of that is on its way. */
  sweep(): Promise<void>;
  /** Resolves when nothing is on its way and nothing was announced that was not looked at. */
  idle(): Promise<void>;
  /** Starts nothing more and waits for what is on its way. */
  close(): Promise<void>;
}

/** Settles one failed attempt: the time of the next, or a dead letter after `RETRY_FOR_MS`. */
async function settleFailure(
  { outbox, deadLetters, clock, log }: PumpPorts,
  row: OutboxRow,
  error: unknown,
): Promise<string> {
  const { fact } = row;
  const now = clock.now().getTime();
  const fields = { fact: fact.id, type: fact.type, subject: fact.subject, attempts: row.attempts + 1, error };
  if (now - Date.parse(row.since) < RETRY_FOR_MS) {
    const nextAttempt = new Date(now + backoffMs(row.attempts + 1)).toISOString();
    await outbox.settle(fact.id, { published: false, nextAttempt });
    log.warn({ ...fields, nextAttempt }, "fact not published, to be tried again");
    return nextAttempt;
  }
  const time = clock.now().toISOString();
  await keepExhausted(deadLetters, fact, error, time);
  await outbox.settle(fact.id, { published: true, time });
  log.error(fields, "fact not published for seven days, kept as a dead letter");
  return time;
}

/** Publishes the rows of one subject in order; answers until when the rest of the subject must wait, if it must. */
async function publishInOrder(
  ports: PumpPorts,
  rows: readonly OutboxRow[],
  closed: () => boolean,
): Promise<string | undefined> {
  for (const row of rows) {
    if (closed()) return undefined;
    try {
      await ports.bus.publish(row.fact);
    } catch (error) {
      const nextAttempt = await settleFailure(ports, row, error);
      if (row.attempts + 1 < HOLDING_ATTEMPTS_MAX) return nextAttempt;
      continue;
    }
    await ports.outbox.settle(row.fact.id, { published: true, time: ports.clock.now().toISOString() });
  }
  return undefined;
}

/** Publishes rows of subjects, and knows which subjects must wait after a failure. */
function createSubjects(ports: PumpPorts, closed: () => boolean) {
  /** Subject → time until which a failed fact holds back the facts behind it. */
  const held = new Map<string, string>();
  return {
    waits: (subject: string, now: string): boolean => (held.get(subject) ?? "") > now,
    async publish(subject: string, rows: readonly OutboxRow[]): Promise<void> {
      try {
        const until = await publishInOrder(ports, rows, closed);
        if (until === undefined) held.delete(subject);
        else held.set(subject, until);
      } catch (error) {
        // The outbox itself failed: the rows are still pending, and a later sweep finds them.
        ports.log.error({ subject, error }, "outbox not settled, a later sweep publishes again");
        held.set(subject, new Date(ports.clock.now().getTime() + backoffMs(1)).toISOString());
      }
    },
  };
}

/** A pump that is idle until facts are announced or someone sweeps. */
export function createPump(ports: PumpPorts): Pump {
  const { outbox, clock, log } = ports;
  const state = {
    closed: false,
    lookAgain: false,
    /** Whether rows may be due that no lane has yet: a look that a lane's end must bring about. */
    isBehind: false,
    looking: undefined as Promise<void> | undefined,
  };
  const subjects = createSubjects(ports, () => state.closed);
  /** Subjects whose lane ended while the outbox was read: the rows that were read may be settled by now. */
  const ended = new Set<string>();
  /** Subjects of which rows were seen while their lane ran. */
  const passedOver = new Set<string>();
  const lanes = createLanes(SUBJECTS_AT_ONCE_MAX, (subject) => {
    ended.add(subject);
    if (passedOver.delete(subject) || state.isBehind) void look();
  });

  const lookOnce = async (): Promise<void> => {
    ended.clear();
    const now = clock.now().toISOString();
    // Until it is known to be otherwise: what a failed look did not see is looked for when a lane ends.
    state.isBehind = true;
    const rows = await outbox.pending(now, ROWS_PER_LOOK_MAX);
    // No await from here on: a lane is started on exactly what was read.
    state.isBehind = rows.length === ROWS_PER_LOOK_MAX;
    for (const [subject, its] of Map.groupBy(rows, ({ fact }) => fact.subject)) {
      if (state.closed) return;
      if (ended.has(subject)) state.lookAgain = true;
      else if (lanes.busy(subject)) passedOver.add(subject);
      else if (!subjects.waits(subject, now) && !lanes.start(subject, () => subjects.publish(subject, its)))
        state.isBehind = true;
    }
  };

  const lookUntilDone = async (): Promise<void> => {
    try {
      while (state.lookAgain && !state.closed) {
        state.lookAgain = false;
        await lookOnce();
      }
    } catch (error) {
      log.error({ error }, "outbox not readable, the next sweep looks again");
    } finally {
      state.looking = undefined;
    }
  };

  const look = (): Promise<void> => {
    if (state.closed) return Promise.resolve();
    state.lookAgain = true;
    state.looking ??= lookUntilDone();
    return state.looking;
  };

  const idle = async (): Promise<void> => {
    do {
      await state.looking;
      await lanes.idle();
    } while (state.looking !== undefined);
  };

  return {
    async announce() {
      void look();
    },
    sweep: look,
    idle,
    async close() {
      state.closed = true;
      await idle();
    },
  };
}
