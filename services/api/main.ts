// The API in a process of its own, over a state folder or on Google Cloud: to ask, to approve, and to take traffic back while nothing
// else runs. It starts also when `ledger.db` cannot be opened, or Firestore does not answer: then what needs it is refused, and a
// rollback works.
import { Type } from "typebox";
import { lockState } from "../../shared/adapters/local/state-lock.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { googleApi } from "../../scripts/compose/google-settings.ts";
import { openApi } from "../../scripts/compose/open-api.ts";
import { openTracing } from "../../scripts/compose/open-tracing.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested, stopWhenAsked } from "../../scripts/compose/stop.ts";
import { configure, hostOf } from "../../scripts/compose/world.ts";
import type { OutsideHandlers } from "../../shared/domain/outside-events.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { watchProcess } from "../../shared/runtime/process-figures.ts";
import type { RecordPorts } from "../../shared/runtime/record.ts";
import { countRequests } from "../../shared/runtime/request-counts.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { approvePlan, unblockStack } from "../../shared/runtime/stack-operations.ts";
import { createApi } from "./app.ts";
import { resolveServing } from "./endpoints/serving.ts";
import { createQueryLineage } from "./lineage/query.ts";
import { modelVersionRegistered } from "./models/register.ts";
import { createOutsideDoor } from "./outside-door.ts";
import { checkRoutes } from "./routes/checks.ts";
import { endpointRoutes } from "./routes/endpoints.ts";
import { eventPushRoutes } from "./routes/events-push.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { rolloutRoutes } from "./routes/rollouts.ts";
import { runRoutes } from "./routes/runs.ts";
import { runRequested } from "./runs/create.ts";

const { config, world, cloud } = configure(
  process.env,
  "called",
  {
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 7420, description: "set it to a free port." }),
    SIGNALBOX_RAY_ADDRESS: Type.Optional(
      Type.String({ description: "set it to the URL of Ray's Jobs API." }),
    ),
  },
  googleApi(process.env["SIGNALBOX_DOOR"]),
);
const log = createLog("api");
const stopTracing = await openTracing(process.env, log, "api");
const state = await openStateFolder(config.SIGNALBOX_STATE);
// Elsewhere the folder holds no ledger, and others use it too.
const lock = world.kind === "embedded" ? await lockState(state.root, clock) : undefined;
let url = "";
const opened =
  cloud === undefined
    ? await openApi(state, { world, log, ray: config.SIGNALBOX_RAY_ADDRESS, url: () => url })
    : await openOnGoogle(cloud);
const { identity, events, hosts } = opened;
const ports = { ...opened.ports, clock, log };

/** Its clients are loaded only there. */
async function openOnGoogle(settings: NonNullable<typeof cloud>) {
  const { openGoogleApi } = await import("../../scripts/compose/open-google-api.ts");
  return openGoogleApi(settings, { world, state, log });
}

const outsideHandlers = (over: RecordPorts): OutsideHandlers => ({
  "dev.signalbox.model-version.registered.v1": modelVersionRegistered(over),
  "dev.signalbox.run.requested.v1": runRequested({ ...ports, ...over }),
});
const server = createServer({ clock, log, identity, sessions: ports.sessions, hosts: () => hosts });
const metrics = { ...ports, requestCounts: countRequests(server), processFigures: watchProcess(clock) };
await server.register(
  createApi({
    ...ports,
    stackOperations: {
      approvePlan: (request, caller) => approvePlan(ports, request, caller),
      unblockStack: (request, caller) => unblockStack(ports, request, caller),
    },
    outsideHandlers,
    queryLineage: createQueryLineage({
      views: ports.views,
      resolveServing: (endpoint, time) => resolveServing(ports, endpoint, time),
    }),
    routes: [
      checkRoutes(ports),
      endpointRoutes(ports),
      rolloutRoutes(ports),
      runRoutes(ports),
      notificationRoutes(ports),
      metricsRoutes(metrics),
    ],
  }),
);
if (events !== undefined) {
  const door = createOutsideDoor({ ...ports, outsideHandlers });
  await server.register(eventPushRoutes({ ...ports, ...events, door }));
}
const asked = stopRequested();
url = await server.listen({ host: hostOf(world), port: config.PORT });
await lock?.setUrl(url);
log.info({ url }, "api started");

const stop = async (): Promise<void> => {
  await server.close();
  await opened.close();
  await lock?.release();
  await stopTracing();
  log.info({}, "api stopped");
};
stopWhenAsked(asked, stop);
