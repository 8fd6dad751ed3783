// Topic and subscriptions of the emulator, from the one topology. The settings are Terraform's, but for waits that people would notice.
import type { PubSub } from "@google-cloud/pubsub";
import { readTopology } from "../compose/topology.ts";

/** The topic of facts, as Terraform names it. */
export const FACTS_TOPIC = "signalbox-facts";
/** As in terraform: a push that is not answered in this time is given again. */
const ACK_DEADLINE_SECONDS = 60;
/** Between two attempts: Terraform says 10 to 600 s; here a killed service is back in two. */
const RETRY_SECONDS = { min: 1, max: 5 } as const;
/** Attempts before a message is a dead letter, the most that Pub/Sub allows: a killed service uses them up quickly. */
const DELIVERY_ATTEMPTS_MAX = 100;

/** Full name of the subscription of a service. */
export const subscriptionName = (project: string, service: string): string =>
  `projects/${project}/subscriptions/${FACTS_TOPIC}-${service}`;

/** Families of fact types, as the filter of a subscription names them. */
const familiesOf = (types: readonly string[]): readonly string[] =>
  [...new Set(types.map((type) => type.split(".")[0] ?? ""))].toSorted();

/** The filter of a subscription. The emulator keeps filters and ignores them. */
const filterOf = (types: readonly string[]): string =>
  familiesOf(types)
    .map((family) => `hasPrefix(attributes.type,"${family}.")`)
    .join(" OR ");

/** Whether the filter of the service's subscription lets this push through. */
export function filterOfPushes(service: string): (body: Buffer) => boolean {
  const families = familiesOf(readTopology()[service]?.subscribes ?? []);
  return (body) => {
    const { message } = JSON.parse(body.toString("utf8")) as {
      readonly message?: { readonly attributes?: { readonly type?: string } };
    };
    const type = message?.attributes?.type ?? "";
    return families.some((family) => type.startsWith(`${family}.`));
  };
}

/** Creates them; answers the services that are pushed to. */
export async function createTopics(
  client: PubSub,
  endpointOf: (service: string) => string,
): Promise<readonly string[]> {
  const pushed = Object.entries(readTopology()).filter(([, { subscribes }]) => subscribes.length > 0);
  await client.createTopic(FACTS_TOPIC);
  for (const [service, { subscribes }] of pushed) {
    const name = `${FACTS_TOPIC}-${service}`;
    const [dead] = await client.createTopic(`${name}-dead`);
    await client.createSubscription(dead.name, `${name}-dead`);
    await client.createSubscription(FACTS_TOPIC, name, {
      pushConfig: { pushEndpoint: endpointOf(service) },
      ackDeadlineSeconds: ACK_DEADLINE_SECONDS,
      filter: filterOf(subscribes),
      retryPolicy: {
        minimumBackoff: { seconds: RETRY_SECONDS.min },
        maximumBackoff: { seconds: RETRY_SECONDS.max },
      },
      deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: DELIVERY_ATTEMPTS_MAX },
    });
  }
  return pushed.map(([service]) => service);
}
