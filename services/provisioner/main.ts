// The provisioner in a process of its own, on a state folder: plans, applies and checks. Its builds outlive it.
import { Type } from "typebox";
import { API_VARIABLE, FACT_SERVICE_VARIABLES, joinState, serveAlone } from "../../scripts/compose/alone.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openProvisioning } from "../../scripts/compose/open-provisioning.ts";
import { requireTerraform } from "../../scripts/compose/requirements.ts";
import { withNode } from "../../scripts/compose/shipped.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { declare } from "../../shared/runtime/config.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { BUILD_LIMITS } from "./ports.ts";
import { createProvisioner } from "./provisioner.ts";

const readConfig = declare(
  Type.Object({
    ...FACT_SERVICE_VARIABLES,
    ...API_VARIABLE,
    PATH: Type.String({ description: "set it so that git and terraform are found." }),
  }),
);

const config = readConfig(process.env);
await requireTerraform(config.PATH);
const { state, keys } = await joinState(config.SIGNALBOX_STATE);
const provisioning = await openProvisioning({ state, keys, path: withNode(config.PATH) });
const stored = openLedger(state);
const log = createLog("provisioner");
const provisioner = createProvisioner({
  ...stored,
  ...provisioning,
  clock,
  log,
  limits: BUILD_LIMITS,
  url: config.SIGNALBOX_API_URL,
  // The outbox holds the facts already; the relay finds them there.
  announce: async () => {},
});
await serveAlone(provisioner, {
  deadLetters: stored.deadLetters,
  log,
  port: config.PORT,
  token: config.SIGNALBOX_PUSH_TOKEN,
  close: () => stored.db.close(),
});
