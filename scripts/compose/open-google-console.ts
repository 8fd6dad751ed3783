// The console's ports on Google Cloud: the stores, to read, and the traffic of the cluster's routes. Loaded only there.
import { createDriftLog } from "../../shared/adapters/kubernetes/drift-log.ts";
import { NO_TRAFFIC } from "../../shared/adapters/kubernetes/no-cluster.ts";
import { createTraffic } from "../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { NO_SESSIONS } from "../../shared/runtime/sessions.ts";
import type { GOOGLE_CONSOLE } from "./google-settings.ts";
import { openGoogleCluster, placementOf } from "./open-google-cluster.ts";
import { identityOfPeople, openPrincipals } from "./open-google-identity.ts";
import { openGoogleSecrets } from "./open-google-secrets.ts";
import { openStores } from "./open-stores.ts";
import type { StateFolder } from "./state-folder.ts";
import type { CloudSettings, World } from "./world.ts";

/** Where things are. */
export type ConsoleSettings = NonNullable<CloudSettings<typeof GOOGLE_CONSOLE>>;

/** Opens them. Only secrets are read. */
export async function openGoogleConsole(
  settings: ConsoleSettings,
  { world, state, log }: { readonly world: World; readonly state: StateFolder; readonly log: Log },
) {
  const [readPrincipals, stored] = await Promise.all([
    openPrincipals(openGoogleSecrets(settings)),
    openStores(world, state, log),
  ]);
  const opened = openGoogleCluster(settings);
  const options = { placement: placementOf(settings), drifted: createDriftLog({ clock, log }) };
  const traffic = opened === undefined ? NO_TRAFFIC : createTraffic({ client: opened.client, ...options });
  return {
    identity: identityOfPeople(readPrincipals, settings.SIGNALBOX_IAP_AUDIENCE),
    hosts: settings.SIGNALBOX_HOSTS.toLowerCase().split(","),
    ports: { ...stored, traffic, sessions: NO_SESSIONS },
    async close() {
      await opened?.close();
      await stored.close();
    },
  };
}
