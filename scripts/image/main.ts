// The program of the image: runs the service that its argument names. Each service is bundled by itself, so none loads another's.

import { openScripts, SCRIPTS } from "./scripts.ts";

/** Service → its main program. */
const SERVICES: Readonly<Record<string, () => Promise<unknown>>> = {
  api: () => import("../../services/api/main.ts"),
  console: () => import("../../services/console/main.ts"),
  data: () => import("../../services/data/main.ts"),
  notifier: () => import("../../services/notifier/main.ts"),
  provisioner: () => import("../../services/provisioner/main.ts"),
  registry: () => import("../../services/registry/main.ts"),
  relay: () => import("../../services/relay/main.ts"),
  rollout: () => import("../../services/rollout/main.ts"),
  webhook: () => import("../../services/webhook/main.ts"),
};

/** What a shell answers for wrong usage. */
const USAGE = 64;

const name = process.argv[2] ?? "";
if (Object.hasOwn(SERVICES, name)) {
  const scripts = openScripts(import.meta.dirname);
  Object.assign(globalThis, { [SCRIPTS]: scripts });
  await SERVICES[name]?.();
  // The port is open, and the first request will need it: signatures and ids are made with it.
  process.getBuiltinModule("node:crypto");
  if (scripts.refused() > 0) {
    const message = `The compiled code of ${scripts.refused()} files was made by another Node, or with other flags: the start is slower.`;
    process.stdout.write(`${JSON.stringify({ severity: "INFO", service: name, message })}\n`);
  }
} else {
  const known = Object.keys(SERVICES).join(", ");
  process.stderr.write(`${JSON.stringify(name)} is no service: give one of ${known} as the argument.\n`);
  process.exitCode = USAGE;
}
