// The fact services on the adapters of the embedded mode.
import { createData } from "../../services/data/data.ts";
import { createNotifier } from "../../services/notifier/notifier.ts";
import { BUILD_LIMITS, type BuildLimits } from "../../services/provisioner/ports.ts";
import { createProvisioner } from "../../services/provisioner/provisioner.ts";
import { createRegistry } from "../../services/registry/registry.ts";
import { createRelay } from "../../services/relay/relay.ts";
import { createRollout } from "../../services/rollout/rollout.ts";
import { createWarmUps } from "../../services/rollout/warm-ups.ts";
import type { EmbeddedAdapters } from "./adapters.ts";
import { WORKFLOW_API } from "./open-workflows.ts";

/** Every fact service, and the loop beside them that needs no ledger; `all` in the order in which they are subscribed. `api` answers the API's base URL once it is known. */
export function createFactServices(
  adapters: EmbeddedAdapters,
  api: () => string,
  limits: BuildLimits = BUILD_LIMITS,
) {
  const ports = { ...adapters, api: () => WORKFLOW_API };
  const relay = createRelay(ports);
  const provisioner = createProvisioner({
    ...ports,
    limits,
    get url() {
      return api();
    },
  });
  const registry = createRegistry(ports);
  const rollout = createRollout(ports);
  const warmUps = createWarmUps(ports);
  const data = createData(ports);
  const notifier = createNotifier(ports);
  return { relay, notifier, warmUps, all: [relay, provisioner, registry, rollout, data, notifier] };
}
