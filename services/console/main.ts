// The page in a process of its own, over a state folder. It writes nothing.
import { Type } from "typebox";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested } from "../../scripts/compose/stop.ts";
import { configure, hostOf, refuseGoogleCloud } from "../../scripts/compose/world.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createConsole } from "./console.ts";

const { config, world } = configure(process.env, "called", {
  SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
});
refuseGoogleCloud(world, "console", "traffic and people");
const log = createLog("console");
const state = await openStateFolder(config.SIGNALBOX_STATE);
const stored = await openStores(world, state, log);
const sessions = createSessions(stored.grants, clock);
const identity = createIdentity({
  readPrincipals: createPrincipalsReader(state.path("principals.json")),
  // Workflows have no business with the page.
  verifyWorkflowToken: async () => undefined,
});
const server = createServer({ clock, log, identity, sessions });
const traffic = await createTraffic({ directory: state.path("traffic") });
await server.register(probeRoutes());
await server.register(
  createConsole({
    ...stored,
    clock,
    sessions,
    traffic,
  }),
);
const url = await server.listen({ host: hostOf(world), port: config.PORT });
log.info({ url }, "console started");

const stop = async (): Promise<void> => {
  await server.close();
  await stored.close();
  log.info({}, "console stopped");
};
void stopRequested().then(stop);
