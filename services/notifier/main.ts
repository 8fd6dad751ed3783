// The notifier in a process of its own, on a state folder: keeps what people must hear of, and tells them.
import { Type } from "typebox";
import { FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openNotifying } from "../../scripts/compose/open-notifying.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { declare } from "../../shared/runtime/config.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { createNotifier } from "./notifier.ts";

const readConfig = declare(Type.Object(FACT_SERVICE_VARIABLES));

const config = readConfig(process.env);
const { state } = await joinState(config.SIGNALBOX_STATE);
const stored = openLedger(state);
const log = createLog("notifier");
const secrets = createSecrets(state.path("secrets"));
const notifier = createNotifier({ ...stored, ...openNotifying(state), secrets, clock, log });
await serveAlone(notifier, {
  deadLetters: stored.deadLetters,
  log,
  port: config.PORT,
  token: config.SIGNALBOX_PUSH_TOKEN,
  start: async () => () => notifier.close(),
  close: () => stored.db.close(),
});
