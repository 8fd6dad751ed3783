// Gives dead letters that a person replays to the one subscription that gave up, and says what came of it. A replay under way
// is a state of the letter, so it goes on after a restart; handlers are safe to repeat, so giving twice is harmless.
import { deadLetter, deadLetterName, type DeadLetterInput } from "../../shared/domain/dead-letter.ts";
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import type { DeadLetter, DeadLetters } from "../../shared/ports/dead-letters.ts";
import { backoffMs, RETRY_FOR_MS } from "../../shared/runtime/backoff.ts";
import { createLanes } from "../../shared/runtime/lanes.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { factOfLetter } from "../../shared/runtime/push-message.ts";
import { record, type RecordPorts } from "../../shared/runtime/record.ts";

/** Letters that one look takes. */
export const REPLAYS_PER_LOOK_MAX = 100;
/** Services that are given letters at the same time, each one letter after the other, so that live traffic goes first. */
export const REPLAY_SERVICES_AT_ONCE_MAX = 8;

/** What replaying needs. */
export interface ReplayPorts extends RecordPorts {
  readonly bus: Bus;
  readonly deadLetters: DeadLetters;
  readonly log: Log;
}

/** Replays. */
export interface Replays {
  /** Starts to give out what is to be replayed; does not wait for slow handlers. */
  start(): Promise<void>;
  /** Resolves when no letter is on its way. */
  idle(): Promise<void>;
}

const ACTOR = "services/relay";

async function note(ports: ReplayPorts, letter: DeadLetter, input: DeadLetterInput): Promise<void> {
  const { id, createTime } = letter;
  await record(ports, deadLetter, {
    stream: deadLetterName(id),
    cause: `${input.kind}/${createTime}/${letter.failures}`,
    input,
    actor: ACTOR,
    inputHash: input.kind,
  });
}

/** The letter as it stands after it was given out, settled: gone, or back among the waiting ones with one failure more. */
async function settle(ports: ReplayPorts, given: DeadLetter): Promise<void> {
  const { deadLetters, clock, log } = ports;
  const { id, service, failures } = given;
  const now = await deadLetters.get(id);
  if (now === undefined) return;
  if (now.failures === failures) {
    await note(ports, given, { kind: "replayed", service, failures });
    await deadLetters.change(id, failures, "gone", clock.now().toISOString());
    log.info({ letter: id, handler: service, failures }, "dead letter replayed");
    return;
  }
  const { reason, message } = now;
  await note(ports, given, { kind: "returned", service, failures: now.failures, reason, message });
  log.warn({ letter: id, handler: service, failures: now.failures }, "dead letter failed again");
}

/** Puts the letter back with this failure. */
async function putBack(ports: ReplayPorts, { id, service, payload }: DeadLetter, error: unknown) {
  const time = ports.clock.now().toISOString();
  const reason = error instanceof ControlPlaneError ? error.reason : "INTERNAL";
  const message = error instanceof Error ? error.message : String(error);
  await ports.deadLetters.put({ id, service, reason, message, payload, time });
}

/** Replays over these ports. */
export function createReplays(ports: ReplayPorts): Replays {
  const { bus, deadLetters, clock, log } = ports;
  const lanes = createLanes(REPLAY_SERVICES_AT_ONCE_MAX);
  /** Letters whose service is not there just now, and when each is tried again; forgotten on restart. */
  const failed = new Map<string, { readonly attempts: number; readonly next: string }>();

  const give = async (letter: DeadLetter): Promise<void> => {
    const { id, service, payload, since } = letter;
    try {
      const only = service === "relay" ? undefined : service;
      await bus.publish(factOfLetter(payload), only);
    } catch (error) {
      const now = clock.now().getTime();
      if (isTransient(error) && now - Date.parse(since) <= RETRY_FOR_MS) {
        const attempts = (failed.get(id)?.attempts ?? 0) + 1;
        const next = new Date(now + backoffMs(attempts)).toISOString();
        failed.set(id, { attempts, next });
        log.warn({ letter: id, attempts, next, error }, "dead letter not replayed, to be tried again");
        return;
      }
      await putBack(ports, letter, error);
    }
    failed.delete(id);
    await settle(ports, letter);
  };

  const giveAll = async (letters: readonly DeadLetter[]): Promise<void> => {
    for (const letter of letters) {
      try {
        await give(letter);
      } catch (error) {
        log.error({ letter: letter.id, error }, "dead letter not settled, a later look tries again");
      }
    }
  };

  return {
    async start() {
      const now = clock.now().toISOString();
      const { letters } = await deadLetters.list(REPLAYS_PER_LOOK_MAX, { state: "replaying" });
      const ready = letters.filter(({ id }) => (failed.get(id)?.next ?? "") <= now);
      for (const [service, its] of Map.groupBy(ready, (letter) => letter.service))
        lanes.start(service, () => giveAll(its.toReversed()));
    },
    idle: () => lanes.idle(),
  };
}
