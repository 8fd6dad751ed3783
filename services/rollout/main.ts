// The rollout service in a process of its own. On a state folder model servers and the gateway live with it: it starts the servers,
// runs the canary workflow and scrapes the counters. On Google Cloud it asks Cloud Deploy, Workflows and the cluster, and keeps nothing.
import { Type } from "typebox";
import {
  API_VARIABLE,
  ARTIFACT_VARIABLE,
  FACT_SERVICE_VARIABLES,
  folders,
  joinState,
  serveAlone,
} from "../../scripts/compose/alone.ts";
import { GOOGLE_ROLLOUT } from "../../scripts/compose/google-settings.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openServing } from "../../scripts/compose/open-serving.ts";
import { openWorkflows } from "../../scripts/compose/open-workflows.ts";
import { watchTraffic } from "../../scripts/compose/watched-traffic.ts";
import { withNode } from "../../scripts/compose/shipped.ts";
import { createMetrics } from "../../shared/adapters/local/metrics.ts";
import { lockState } from "../../shared/adapters/local/state-lock.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { configure } from "../../scripts/compose/world.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { WORKFLOW } from "./ports.ts";
import { createRollout } from "./rollout.ts";
import { createWarmUps } from "./warm-ups.ts";

/** Between two scrapes of the gateway's counters. */
const SCRAPE_PAUSE_MS = 1_000;
/** How long a stopping gateway waits for answers under way. */
const GATEWAY_GRACE_MS = 3_000;

const { config, world, cloud } = configure(
  process.env,
  "pushed",
  {
    ...FACT_SERVICE_VARIABLES,
    ...API_VARIABLE,
    ...ARTIFACT_VARIABLE,
    SIGNALBOX_GATEWAY_PORT: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 7421,
      description: "set it to a free port for the model gateway.",
    }),
    PATH: Type.String({ description: "set it so that git and the model servers' programs are found." }),
  },
  GOOGLE_ROLLOUT,
);
const { state, keys } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("rollout");
const stored = await openStores(world, state, log);
const shared = { ...stored, clock, log, api: () => config.SIGNALBOX_API_URL };
const service = { world, stores: stored, log, port: config.PORT };
await (cloud === undefined ? serveHere() : serveOnGoogle(cloud));

/** Its clients are loaded only there. */
async function serveOnGoogle(settings: NonNullable<typeof cloud>): Promise<void> {
  const { openGoogleArtifacts } = await import("../../scripts/compose/open-google-artifacts.ts");
  const { openGithubManifests, openGoogleRollout } =
    await import("../../scripts/compose/open-google-rollout.ts");
  const { openDeployHints } = await import("../../scripts/compose/google-hints.ts");
  const { openGoogleSecrets } = await import("../../scripts/compose/open-google-secrets.ts");
  const { close, ...serving } = openGoogleRollout(settings, {
    log,
    manifests: openGithubManifests(openGoogleSecrets(settings), log),
    artifacts: openGoogleArtifacts(settings, state.path("artifact-copies")),
    workflows: [WORKFLOW],
  });
  const ports = { ...shared, ...serving, counters: serving.metrics };
  const rollout = createRollout(ports);
  const warmUps = createWarmUps(ports, { waits: true });
  // A schedule calls: what was begun must have ended when the request does, because the instance sleeps then.
  const reconcile = async (): Promise<void> => {
    await warmUps();
    await rollout.reconcile?.();
  };
  await serveAlone(
    { ...rollout, reconcile },
    {
      ...service,
      hints: openDeployHints(settings.SIGNALBOX_HINTS, `${settings.SIGNALBOX_PREFIX}-backends`),
      async close() {
        await close();
        await stored.close();
      },
    },
  );
}

async function serveHere(): Promise<void> {
  // On emulators the API is a process of its own that writes the documents too, by compare-and-set: nobody holds the folder.
  const lock = world.kind === "embedded" ? await lockState(state.root, clock) : undefined;
  const { executions, apiAnswersAt } = await openWorkflows({ db: stored.db, keys, log, only: WORKFLOW });
  apiAnswersAt(config.SIGNALBOX_API_URL);
  const documents = await createTraffic({ directory: state.path("traffic") });
  // There the API is a process of its own, which writes them too.
  const watched = world.kind === "google-cloud" ? watchTraffic(documents, { clock, log }) : undefined;
  const traffic = watched?.traffic ?? documents;
  const { deploys, gateway } = openServing({
    state,
    artifactRoots: folders(config.SIGNALBOX_ARTIFACT_ROOTS),
    path: withNode(config.PATH),
    traffic,
  });
  const ports = { ...shared, executions, traffic, deploys };
  let gatewayUrl = "";
  await serveAlone(createRollout(ports), {
    ...service,
    async start() {
      await deploys.start();
      gatewayUrl = await gateway.listen(config.SIGNALBOX_GATEWAY_PORT);
      return { gatewayUrl, resumed: await executions.resume() };
    },
    work() {
      const metrics = createMetrics({ database: stored.db, clock, gateway: () => gatewayUrl });
      const stopScraping = metrics.start(SCRAPE_PAUSE_MS, (error) =>
        log.warn({ error }, "A scrape could not be kept; the next one follows."),
      );
      const warming = repeat({ clock, log }, "warm-ups", SCRAPE_PAUSE_MS, createWarmUps(ports));
      return async () => {
        await warming.stop();
        await watched?.stop();
        await stopScraping();
        await executions.close();
        await gateway.close(GATEWAY_GRACE_MS);
        // Model servers run on: the next start finds them.
        await deploys.close("leave");
      };
    },
    async close() {
      await stored.close();
      await lock?.release();
    },
  });
}
