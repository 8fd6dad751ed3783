// Publishes what is due: timers, facts that a crash or a failure left in the outbox, and dead letters that a person replays.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { Outbox, TimerRow } from "../../shared/ports/outbox.ts";
import { backoffMs, RETRY_FOR_MS } from "../../shared/runtime/backoff.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { keepExhausted } from "../../shared/runtime/give-up.ts";
import { createLanes } from "../../shared/runtime/lanes.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Pump } from "../../shared/runtime/outbox.ts";
import type { RecordPorts } from "../../shared/runtime/record.ts";
import { createReplays } from "./replays.ts";

/** Timers that one reconciliation looks at. */
export const TIMERS_PER_LOOK_MAX = 500;
/** Streams whose timers fire at the same time. */
export const STREAMS_AT_ONCE_MAX = 32;

/** What the relay stands on. */
export interface RelayPorts extends RecordPorts {
  readonly outbox: Outbox;
  readonly bus: Bus;
  readonly deadLetters: DeadLetters;
  readonly pump: Pump;
  readonly log: Log;
}

/** The relay; it takes no facts and lives on `reconcile`. */
export interface Relay extends FactService {
  /** Starts to fire what is due and to publish what is pending; does not wait for slow handlers. */
  reconcile(): Promise<void>;
  /** Resolves when no timer and no dead letter is on its way. */
  idle(): Promise<void>;
}

/** The fact of a timer. Its id is the timer's, so that firing it twice is one input for everyone. */
function timerDue(timer: TimerRow, time: string): AnyFact {
  return {
    id: timer.id,
    type: "timer.due",
    subject: timer.stream,
    version: 0,
    time,
    cause: `timer/${timer.id}`,
    correlation: "",
    actor: "services/relay",
    data: { name: timer.name, due: timer.due },
  };
}

/** A relay. A timer is marked fired only after everyone has handled it, so a crash fires it again. */
export function createRelay(ports: RelayPorts): Relay {
  const { outbox, bus, deadLetters, pump, clock, log } = ports;
  const replays = createReplays(ports);
  const lanes = createLanes(STREAMS_AT_ONCE_MAX);
  /** Timers that failed, and when each is tried again; forgotten on restart, which only tries them sooner. */
  const failures = new Map<string, { readonly attempts: number; readonly next: string }>();

  const giveUp = async (timer: TimerRow, error: unknown): Promise<void> => {
    const time = clock.now().toISOString();
    await keepExhausted(deadLetters, timerDue(timer, time), error, time);
    await outbox.timerFired(timer.id, time);
    failures.delete(timer.id);
    log.error({ timer, error }, "timer not handled for seven days, kept as a dead letter");
  };

  const fire = async (timer: TimerRow): Promise<void> => {
    const time = clock.now().toISOString();
    try {
      await bus.publish(timerDue(timer, time));
      await outbox.timerFired(timer.id, clock.now().toISOString());
      failures.delete(timer.id);
    } catch (error) {
      if (Date.parse(time) - Date.parse(timer.due) > RETRY_FOR_MS) return giveUp(timer, error);
      const attempts = (failures.get(timer.id)?.attempts ?? 0) + 1;
      const next = new Date(Date.parse(time) + backoffMs(attempts)).toISOString();
      failures.set(timer.id, { attempts, next });
      log.warn({ timer, attempts, next, error }, "timer not handled, to be fired again");
    }
  };

  const fireAll = async (timers: readonly TimerRow[]): Promise<void> => {
    for (const timer of timers) {
      try {
        await fire(timer);
      } catch (error) {
        log.error({ timer, error }, "timer not settled, a later look fires it again");
      }
    }
  };

  return {
    name: "relay",
    inputs: [],
    handle: async () => undefined,
    async reconcile() {
      const now = clock.now().toISOString();
      const due = await outbox.timersDue(now, TIMERS_PER_LOOK_MAX);
      const ready = due.filter(({ id }) => (failures.get(id)?.next ?? "") <= now);
      for (const [stream, timers] of Map.groupBy(ready, (timer) => timer.stream)) {
        lanes.start(stream, () => fireAll(timers));
      }
      await replays.start();
      await pump.sweep();
    },
    async idle() {
      await Promise.all([lanes.idle(), replays.idle()]);
    },
  };
}
