// The program of the image: runs the service that its argument names. Each service is bundled by itself, so none loads another's.

import { existsSync, readdirSync } from "node:fs";
import { constants, enableCompileCache, getCompileCacheDir } from "node:module";
import { basename, join } from "node:path";

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

/**
 * Uses what scripts/image/warm.ts kept of this service's start, where it did. Each service has a cache of its own: one file of code
 * is kept with the functions that have run by then, and those are others in each service. NODE_COMPILE_CACHE goes before.
 */
function useCompiled(service: string): void {
  const folder = join(import.meta.dirname, "compile-cache", service);
  if (!existsSync(folder)) return;
  const made = readdirSync(folder);
  const { status } = enableCompileCache(folder);
  const wanted = basename(getCompileCacheDir() ?? "");
  const { ENABLED, FAILED } = constants.compileCacheStatus;
  // Node takes what lies under its version, architecture, user and V8's tag, which features of the processor are part of, and is silent
  // where there is nothing. Where images are made the folder is empty at first.
  if (made.length === 0 || made.includes(wanted) || ![ENABLED, FAILED].includes(status)) return;
  const message = "The compile cache is for another processor, user or Node than this: the start is slower.";
  process.stdout.write(`${JSON.stringify({ severity: "INFO", service, message, made, wanted })}\n`);
}

const name = process.argv[2] ?? "";
if (Object.hasOwn(SERVICES, name)) {
  useCompiled(name);
  await SERVICES[name]?.();
  // The port is open, and the first request will need it: signatures and ids are made with it.
  process.getBuiltinModule("node:crypto");
} else {
  const known = Object.keys(SERVICES).join(", ");
  process.stderr.write(`${JSON.stringify(name)} is no service: give one of ${known} as the argument.\n`);
  process.exitCode = USAGE;
}
