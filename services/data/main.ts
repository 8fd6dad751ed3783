// The data service in a process of its own, on a state folder: runs the workflow of each run, and keeps what it made.
import { Type } from "typebox";
import { API_VARIABLE, FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openWorkflows } from "../../scripts/compose/open-workflows.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { configure, refuseGoogleCloud } from "../../scripts/compose/world.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createData, RUN_WORKFLOW } from "./data.ts";

const { config, world } = configure(process.env, "pushed", {
  ...FACT_SERVICE_VARIABLES,
  ...API_VARIABLE,
  SIGNALBOX_RAY_ADDRESS: Type.Optional(
    Type.String({ description: "set it to the URL of Ray's Jobs API, such as http://127.0.0.1:8265." }),
  ),
  SIGNALBOX_RAY_TOKEN: Type.Optional(Type.String({ description: "set it to the token of the Ray head." })),
});
refuseGoogleCloud(world, "data", "executions");
const { state, keys } = await joinState(config.SIGNALBOX_STATE);
const log = createLog("data");
const stored = await openStores(world, state, log);
const { executions, apiAnswersAt } = await openWorkflows({ db: stored.db, keys, log, only: RUN_WORKFLOW });
apiAnswersAt(config.SIGNALBOX_API_URL);
const token = config.SIGNALBOX_RAY_TOKEN;
const data = createData({
  ...stored,
  executions,
  clock,
  cluster: createCluster({
    address: config.SIGNALBOX_RAY_ADDRESS,
    ...(token === undefined ? {} : { token }),
  }),
  api: () => config.SIGNALBOX_API_URL,
});
await serveAlone(data, {
  world,
  stores: stored,
  log,
  port: config.PORT,
  start: async () => {
    await executions.resume();
    return () => executions.close();
  },
  close: stored.close,
});
