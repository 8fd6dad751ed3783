// The page in a process of its own, over a state folder. It writes nothing.
import { join } from "node:path";
import { Type } from "typebox";
import { stopRequested } from "../../scripts/compose/stop.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createGrants } from "../../shared/adapters/local/grants.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { declare } from "../../shared/runtime/config.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createConsole } from "./console.ts";

const readConfig = declare(
  Type.Object({
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
    PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
  }),
);

const config = readConfig(process.env);
const log = createLog("console");
const state = (...parts: readonly string[]): string => join(config.SIGNALBOX_STATE, ...parts);
const db = openDatabase(state("ledger.db"));
const sessions = createSessions(createGrants(state("sessions")), clock);
const identity = createIdentity({
  readPrincipals: createPrincipalsReader(state("principals.json")),
  // Workflows have no business with the page.
  verifyWorkflowToken: async () => undefined,
});
const server = createServer({ clock, log, identity, sessions });
const traffic = await createTraffic({ directory: state("traffic") });
await server.register(
  createConsole({
    clock,
    sessions,
    traffic,
    ledger: createLedger(db),
    views: createViews(db),
    deadLetters: createDeadLetters(db),
  }),
);
const url = await server.listen({ host: "127.0.0.1", port: config.PORT });
log.info({ url }, "console started");

const stop = async (): Promise<void> => {
  await server.close();
  db.close();
  log.info({}, "console stopped");
};
void stopRequested().then(stop);
