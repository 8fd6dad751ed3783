// What Pub/Sub gave up, for the list that people see. Loaded only on Google Cloud.
import { createCalls } from "../../shared/adapters/google/calls.ts";
import { openSubscriber } from "../../shared/adapters/google/pubsub-client.ts";
import { createDeadLetterDrain } from "../../shared/adapters/google/pubsub-dead-letters.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { SecretsSettings } from "./open-google-secrets.ts";
import { readTopology } from "./topology.ts";

/** Service → the subscription of its dead letters, by the names of terraform/modules/topology. */
export const deadSubscriptions = (prefix: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(readTopology())
      .filter(([, { subscribes }]) => subscribes.length > 0)
      .map(([name]) => [name, `${prefix}-facts-${name}-dead`]),
  );

/** Opens them; `take` is one look at each. */
export async function openGoogleDeadLetters(
  { project, SIGNALBOX_PREFIX }: SecretsSettings,
  { deadLetters, log }: { readonly deadLetters: DeadLetters; readonly log: Log },
) {
  const subscriber = await openSubscriber(project);
  const take = createDeadLetterDrain({
    subscriber,
    calls: createCalls({ clock }),
    project,
    subscriptions: deadSubscriptions(SIGNALBOX_PREFIX),
    deadLetters,
    clock,
    log,
  });
  return { take, close: () => subscriber.close() };
}
