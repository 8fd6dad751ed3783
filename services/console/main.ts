// The page in a process of its own, over a state folder or on Google Cloud. It writes nothing.
import { Type } from "typebox";
import { GOOGLE_CONSOLE } from "../../scripts/compose/google-settings.ts";
import { openStores } from "../../scripts/compose/open-stores.ts";
import { openTracing } from "../../scripts/compose/open-tracing.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested, stopWhenAsked } from "../../scripts/compose/stop.ts";
import { configure, hostOf } from "../../scripts/compose/world.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createConsole } from "./console.ts";

const { config, world, cloud } = configure(
  process.env,
  "called",
  {
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
  },
  GOOGLE_CONSOLE,
);
const log = createLog("console");
const stopTracing = await openTracing(process.env, log, "console");
const state = await openStateFolder(config.SIGNALBOX_STATE);
const opened = cloud === undefined ? await openHere() : await openOnGoogle(cloud);

/** Over the state folder, or with emulators beside one. */
async function openHere() {
  const stored = await openStores(world, state, log);
  const sessions = createSessions(stored.grants, clock);
  const identity = createIdentity({
    readPrincipals: createPrincipalsReader(state.path("principals.json")),
    // Workflows have no business with the page.
    verifyWorkflowToken: async () => undefined,
  });
  const traffic = await createTraffic({ directory: state.path("traffic") });
  return { identity, hosts: [], ports: { ...stored, traffic, sessions }, close: stored.close };
}

/** Its clients are loaded only there. */
async function openOnGoogle(settings: NonNullable<typeof cloud>) {
  const { openGoogleConsole } = await import("../../scripts/compose/open-google-console.ts");
  return openGoogleConsole(settings, { world, state, log });
}

const { identity, hosts, ports } = opened;
const server = createServer({ clock, log, identity, sessions: ports.sessions, hosts: () => hosts });
await server.register(probeRoutes());
await server.register(createConsole({ ...ports, clock }));
const asked = stopRequested();
const url = await server.listen({ host: hostOf(world), port: config.PORT });
log.info({ url }, "console started");

const stop = async (): Promise<void> => {
  await server.close();
  await opened.close();
  await stopTracing();
  log.info({}, "console stopped");
};
stopWhenAsked(asked, stop);
