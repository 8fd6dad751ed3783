// The data service in a process of its own, on a state folder: runs the workflow of each run, and keeps what it made.
import { Type } from "typebox";
import { API_VARIABLE, FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openWorkflows } from "../../scripts/compose/open-workflows.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { declare } from "../../shared/runtime/config.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createData, RUN_WORKFLOW } from "./data.ts";

const readConfig = declare(
  Type.Object({
    ...FACT_SERVICE_VARIABLES,
    ...API_VARIABLE,
    SIGNALBOX_RAY_ADDRESS: Type.Optional(
      Type.String({ description: "set it to the URL of Ray's Jobs API, such as http://127.0.0.1:8265." }),
    ),
    SIGNALBOX_RAY_TOKEN: Type.Optional(Type.String({ description: "set it to the token of the Ray head." })),
  }),
);

const config = readConfig(process.env);
const { state, keys } = await joinState(config.SIGNALBOX_STATE);
const stored = openLedger(state);
const log = createLog("data");
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
  // The outbox holds the facts already; the relay finds them there.
  announce: async () => {},
});
await serveAlone(data, {
  deadLetters: stored.deadLetters,
  log,
  port: config.PORT,
  token: config.SIGNALBOX_PUSH_TOKEN,
  start: async () => {
    await executions.resume();
    return () => executions.close();
  },
  close: () => stored.db.close(),
});
