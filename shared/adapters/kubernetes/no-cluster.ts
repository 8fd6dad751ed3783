// Serving before there is a cluster: nothing serves, and whoever wants it is told what is missing.
import { failedPrecondition } from "../../domain/errors.ts";
import type { Deploys } from "../../ports/deploys.ts";
import type { Traffic } from "../../ports/traffic.ts";

const refuse = async (): Promise<never> => {
  throw failedPrecondition(
    "NO_CLUSTER",
    "This control plane has no cluster, so nothing can be served. Make one and name it in the variable `cluster` (docs/deploy.md, 6).",
  );
};

/** No endpoint has traffic. */
export const NO_TRAFFIC: Traffic = { read: async () => undefined, write: refuse, list: async () => [] };

/** No backend was ever prepared. */
export const NO_DEPLOYS: Deploys = {
  prepare: refuse,
  status: async () => ({ state: "unknown", message: "There is no cluster.", since: "" }),
  retire: async () => {},
  warm: async () => false,
};
