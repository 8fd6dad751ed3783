// Publishing in the request that recorded: an instance may be put to sleep as soon as it has answered, so nothing is left for later.
import type { AnyFact } from "../domain/fact.ts";
import type { Bus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Outbox } from "../ports/outbox.ts";
import { leaveBehind } from "./left-behind.ts";
import type { Log } from "./log.ts";

/** What publishing at once stands on. */
export interface PublishAtOncePorts {
  readonly bus: Bus;
  readonly outbox: Pick<Outbox, "settle">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * An `announce` that publishes and settles, and never rejects: what it could not publish, the relay's next sweep does. The next step
 * of a request that waits for what it leaves behind goes on meanwhile.
 */
export function createPublishAtOnce({ bus, outbox, clock, log }: PublishAtOncePorts) {
  const publish = async (fact: AnyFact): Promise<void> => {
    try {
      await bus.publish(fact);
      await outbox.settle(fact.id, { published: true, time: clock.now().toISOString() });
    } catch (error) {
      log.warn({ fact: fact.id, type: fact.type, error }, "fact not published at once, left to the relay");
    }
  };
  return async (facts: readonly AnyFact[]): Promise<void> => {
    await leaveBehind(Promise.all(facts.map(publish)).then(() => undefined));
  };
}
