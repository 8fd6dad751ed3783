// Subscriptions as they are run: held while a dependency is down for long, and let go on. Terraform makes them.
import type { PubSub } from "@google-cloud/pubsub";
import type { Calls } from "./calls.ts";

/** Where a subscription pushes to, and as whom. */
export interface PushTarget {
  readonly endpoint: string;
  readonly audience: string;
  readonly serviceAccount: string;
}

/** Holds subscriptions and lets them go on. */
export interface Subscriptions {
  /**
   * Pushes nothing more; what is published waits. For an outage that would use up the attempts of every message, so that all of
   * them became dead letters.
   */
  pause(subscription: string): Promise<void>;
  /** Pushes again, what has waited first. */
  resume(subscription: string, to: PushTarget): Promise<void>;
  /** Whether it pushes. */
  isPaused(subscription: string): Promise<boolean>;
}

/** Subscriptions of this client. */
export function createSubscriptions(client: PubSub, calls: Calls): Subscriptions {
  return {
    async pause(name) {
      const call = { method: "ModifyPushConfig", doing: `Holding the subscription ${name}`, resource: name };
      await calls(call, () => client.subscription(name).modifyPushConfig({}));
    },
    async resume(name, { endpoint, audience, serviceAccount }) {
      const doing = `Letting the subscription ${name} go on`;
      await calls({ method: "ModifyPushConfig", doing, resource: name }, () =>
        client.subscription(name).modifyPushConfig({
          pushEndpoint: endpoint,
          oidcToken: { audience, serviceAccountEmail: serviceAccount },
        }),
      );
    },
    async isPaused(name) {
      const call = { method: "GetSubscription", doing: `Reading the subscription ${name}`, resource: name };
      const [{ pushConfig }] = await calls(call, () => client.subscription(name).getMetadata());
      return (pushConfig?.pushEndpoint ?? "") === "";
    },
  };
}
