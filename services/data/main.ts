// The data service in a process of its own: runs the workflow of each run, and keeps what it made. Over a state folder jobs go to the
// Ray that is named, on Google Cloud to KubeRay in the cluster.
import { Type } from "typebox";
import { API_VARIABLE, FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { GOOGLE_DATA } from "../../scripts/compose/google-settings.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openWorkflows } from "../../scripts/compose/open-workflows.ts";
import { configure } from "../../scripts/compose/world.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createData, RUN_WORKFLOW } from "./data.ts";

const { config, world, cloud } = configure(
  process.env,
  "pushed",
  {
    ...FACT_SERVICE_VARIABLES,
    ...API_VARIABLE,
    SIGNALBOX_RAY_ADDRESS: Type.Optional(
      Type.String({ description: "set it to the URL of Ray's Jobs API, such as http://127.0.0.1:8265." }),
    ),
    SIGNALBOX_RAY_TOKEN: Type.Optional(Type.String({ description: "set it to the token of the Ray head." })),
  },
  GOOGLE_DATA,
);
const { state, keys } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("data");
const stored = await openStores(world, state, log);
const shared = { ...stored, clock, api: () => config.SIGNALBOX_API_URL };
const service = { world, stores: stored, log, port: config.PORT };
await (cloud === undefined ? serveHere() : serveOnGoogle(cloud));

/** Its clients are loaded only there. */
async function serveOnGoogle(settings: NonNullable<typeof cloud>): Promise<void> {
  const { openCloudExecutions } = await import("../../shared/adapters/google/executions-open.ts");
  const { openGoogleCluster } = await import("../../scripts/compose/open-google-cluster.ts");
  const { openGoogleRuns } = await import("../../scripts/compose/open-google-runs.ts");
  const opened = openGoogleCluster(settings);
  const executions = openCloudExecutions({
    clock,
    project: settings.project,
    location: settings.SIGNALBOX_REGION,
    prefix: `${settings.SIGNALBOX_PREFIX}-`,
    workflows: [RUN_WORKFLOW],
  });
  const cluster = openGoogleRuns(settings, opened?.client);
  await serveAlone(createData({ ...shared, executions, cluster }), {
    ...service,
    async close() {
      await opened?.close();
      await stored.close();
    },
  });
}

async function serveHere(): Promise<void> {
  const { executions, apiAnswersAt } = await openWorkflows({ db: stored.db, keys, log, only: RUN_WORKFLOW });
  apiAnswersAt(config.SIGNALBOX_API_URL);
  const token = config.SIGNALBOX_RAY_TOKEN;
  const cluster = createCluster({
    address: config.SIGNALBOX_RAY_ADDRESS,
    ...(token === undefined ? {} : { token }),
  });
  await serveAlone(createData({ ...shared, executions, cluster }), {
    ...service,
    async start() {
      return { resumed: await executions.resume() };
    },
    work: () => () => executions.close(),
    close: stored.close,
  });
}
