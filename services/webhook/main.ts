// The webhook in a process of its own: takes deliveries into a state folder. The relay publishes what they become.
import { Type } from "typebox";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested } from "../../scripts/compose/stop.ts";
import { GOOGLE_SECRETS } from "../../scripts/compose/google-settings.ts";
import { configure, hostOf, keepsTime } from "../../scripts/compose/world.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { sweepRedeliveries } from "./redelivery-sweep.ts";
import { createWebhook, WEBHOOK_SECRET } from "./webhook.ts";

/** Between two comparisons of GitHub's log of deliveries with our receipts. */
const REDELIVERY_PAUSE_MS = 5 * 60_000;

/** Between two looks for deliveries that were received and not handled. */
const SWEEP_PAUSE_MS = 5_000;

const { config, world, cloud } = configure(
  process.env,
  "called",
  {
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
    SIGNALBOX_BIND: Type.Optional(Type.String({ description: "set it to the address to listen on." })),
    SIGNALBOX_GITHUB_APP_ID: Type.Optional(
      Type.String({
        pattern: "^[0-9]{1,15}$",
        description: "set it to the id of the GitHub App, to ask GitHub for deliveries that never came.",
      }),
    ),
    SIGNALBOX_HOSTS: Type.String({
      default: "localhost",
      description: "list the host names under which the code host calls, with commas between them.",
    }),
  },
  GOOGLE_SECRETS,
);
const log = createLog("webhook");
const state = await openStateFolder(config.SIGNALBOX_STATE);
const secrets =
  cloud === undefined
    ? createSecrets(state.path("secrets"))
    : (await import("../../scripts/compose/open-google-secrets.ts")).openGoogleSecrets(cloud);
// Without its secret it could only refuse: better not to start.
await secrets.get(WEBHOOK_SECRET);
const stored = await openStores(world, state, log);
const webhook = createWebhook({ ...stored, secrets, clock, log });
const server = createServer({ clock, log, hosts: () => config.SIGNALBOX_HOSTS.toLowerCase().split(",") });
await server.register(webhook.routes);
await server.register(probeRoutes());
const url = await server.listen({ host: config.SIGNALBOX_BIND ?? hostOf(world), port: config.PORT });
const sweeps = keepsTime(world)
  ? repeat({ clock, log }, "receipts", SWEEP_PAUSE_MS, () => webhook.sweep())
  : undefined;
const redeliveries = keepsTime(world) ? await startRedeliveries(config.SIGNALBOX_GITHUB_APP_ID) : undefined;
log.info({ url }, "webhook started");

/** The client of GitHub is loaded only where there is an App: the door opens without it. */
async function startRedeliveries(appId: string | undefined): Promise<{ stop(): Promise<void> } | undefined> {
  if (appId === undefined) return undefined;
  const { current: privateKey } = await secrets.get("github-app-key");
  const { createGithubApp } = await import("../../shared/adapters/github/app.ts");
  const { createGithubDeliveryLog } = await import("../../shared/adapters/github/delivery-log.ts");
  const deliveryLog = createGithubDeliveryLog(createGithubApp({ appId, privateKey, clock, log }));
  return repeat({ clock, log }, "redeliveries", REDELIVERY_PAUSE_MS, async () => {
    await sweepRedeliveries({ deliveryLog, receipts: stored.receipts, clock, log });
  });
}

const stop = async (): Promise<void> => {
  await server.close();
  await redeliveries?.stop();
  await sweeps?.stop();
  await webhook.sweep();
  await stored.close();
  log.info({}, "webhook stopped");
};
void stopRequested().then(stop);
