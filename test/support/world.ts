// A whole control plane in memory for tests of services: real SQLite, real bus and pump, time turned by hand.
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createBus } from "../../shared/adapters/local/bus.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import type { Decider } from "../../shared/domain/decider.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import type { Log, LogFields } from "../../shared/runtime/log.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import { record, type Recorded } from "../../shared/runtime/record.ts";
import { createRelay } from "../../services/relay/relay.ts";
import { CLOCK_START, createVirtualClock } from "./clock.ts";

/** Rounds of publishing and handling after which a world that does not come to rest is called a loop. */
const SETTLE_ROUNDS_MAX = 1_000;
/** Facts that a test may read at once. */
const FACTS_MAX = 10_000;

/** One line that was logged. */
export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export function createLogBook(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const keep = (level: LogLine["level"]) => (fields: LogFields, message: string) =>
    void lines.push({ level, message, fields });
  return { lines, info: keep("info"), warn: keep("warn"), error: keep("error") };
}

/** What a service factory of a test is given. */
export type WorldPorts = ReturnType<typeof worldPorts>;

function worldPorts(path: string, start: string) {
  const db = openDatabase(path);
  const clock = createVirtualClock(start);
  const log = createLogBook();
  const outbox = createOutbox(db);
  const deadLetters = createDeadLetters(db);
  const bus = createBus({ deadLetters, clock, log });
  const pump = createPump({ outbox, bus, deadLetters, clock, log });
  const announce = (facts: readonly AnyFact[]): Promise<void> => pump.announce(facts);
  const ledger = createLedger(db);
  return {
    db,
    clock,
    log,
    outbox,
    deadLetters,
    bus,
    pump,
    announce,
    ledger,
    views: createViews(db),
    receipts: createReceipts(db),
  };
}

/**
 * A world with the given services subscribed. `services` makes them from the world's ports; add the ports of the outside
 * world (deploys, builds, …) from the test's own closure. Close it when the test is finished.
 */
export function createWorld(options: {
  readonly services?: (ports: WorldPorts) => readonly FactService[];
  readonly start?: string;
  /** A file, for tests that open the same world again; default: in memory. */
  readonly path?: string;
}) {
  const ports = worldPorts(options.path ?? ":memory:", options.start ?? CLOCK_START);
  const { clock, outbox, pump, ledger, bus, db } = ports;
  const relay = createRelay(ports);
  const services = options.services?.(ports) ?? [];
  for (const service of services) bus.subscribe(service);

  /** What could be published now, as text to compare. */
  const due = async (): Promise<string> => {
    const now = clock.now().toISOString();
    const rows = await outbox.pending(now, FACTS_MAX);
    const timers = await outbox.timersDue(now, FACTS_MAX);
    return [...rows.map(({ fact }) => fact.id), ...timers.map(({ id }) => id)].join();
  };

  /** Publishes and handles until nothing is due at this moment of virtual time, or what is due waits for a later attempt. */
  const settle = async (): Promise<void> => {
    let before: string | undefined;
    for (let round = 0; round < SETTLE_ROUNDS_MAX; round++) {
      await relay.reconcile();
      await relay.idle();
      await pump.idle();
      const left = await due();
      if (left === "" || left === before) return;
      before = left;
    }
    throw new Error(
      `The world does not come to rest in ${SETTLE_ROUNDS_MAX} rounds: two services answer each other for ever.`,
    );
  };

  return {
    ...ports,
    relay,
    settle,
    /** Gives every service its turn to reconcile, then settles. */
    async reconcile() {
      for (const service of services) await service.reconcile?.();
      await settle();
    },
    /** Moves time on, fires what is due then, and settles. Timers fire at the end of the step: use small steps if order matters. */
    async advance(ms: number) {
      await clock.advance(ms);
      await settle();
    },
    /** Records one input as a service would; does not settle. */
    record: <State, Input, Type extends FactType>(
      decider: Decider<State, Input, Type>,
      request: {
        readonly stream: string;
        readonly cause: string;
        readonly input: Input;
        readonly actor?: string;
      },
    ): Promise<Recorded<Type>> => record(ports, decider, { actor: "people/test", ...request }),
    /** All facts, or those of one stream, oldest first. */
    async facts(subject?: string): Promise<readonly AnyFact[]> {
      const query = { limit: FACTS_MAX, order: "oldest-first" as const };
      return (await ledger.list(subject === undefined ? query : { ...query, subject })).facts;
    },
    async close() {
      await pump.close();
      db.close();
    },
  };
}

/** A world of a test. */
export type World = ReturnType<typeof createWorld>;
