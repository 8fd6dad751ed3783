// GitHub's log of deliveries. Its client and the App's key are loaded when they are needed first: a relay publishes without them.
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { DeliveryLog } from "../../shared/ports/delivery-log.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { SecretsSettings } from "./open-google-secrets.ts";
import type { StateFolder } from "./state-folder.ts";

/** Where the App is known. */
export interface DeliveryLogSettings {
  readonly cloud: SecretsSettings | undefined;
  readonly state: StateFolder;
  /** On one machine; on Google Cloud the secret has it. */
  readonly appId: string | undefined;
  readonly log: Log;
}

async function openApp({ cloud, state, appId, log }: DeliveryLogSettings) {
  if (cloud !== undefined) {
    const { openGoogleSecrets } = await import("./open-google-secrets.ts");
    const { openGithubApp } = await import("./open-google-github.ts");
    return openGithubApp(openGoogleSecrets(cloud), log);
  }
  const { current: privateKey } = await createSecrets(state.path("secrets")).get("github-app-key");
  const { createGithubApp } = await import("../../shared/adapters/github/app.ts");
  return createGithubApp({ appId: appId ?? "", privateKey, clock, log });
}

/** How to open it. Undefined where there is no App. */
export function openDeliveryLog(settings: DeliveryLogSettings): (() => Promise<DeliveryLog>) | undefined {
  if (settings.cloud === undefined && settings.appId === undefined) return undefined;
  return async () => {
    const { createGithubDeliveryLog } = await import("../../shared/adapters/github/delivery-log.ts");
    return createGithubDeliveryLog(await openApp(settings));
  };
}
