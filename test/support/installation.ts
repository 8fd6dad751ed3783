// A whole control plane in this process on a fresh state folder: real database, Git, Terraform, model servers and HTTP. A test
// may put its own adapters in between before anything starts.
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { destination } from "pino";
import { type EmbeddedAdapters, openAdapters } from "../../scripts/compose/adapters.ts";
import { type ControlPlane, startControlPlane } from "../../scripts/compose/control-plane.ts";
import {
  type Keys,
  type StateFolder,
  openKeys,
  openPrincipals,
  openStateFolder,
} from "../../scripts/compose/state-folder.ts";
import type { BuildLimits } from "../../services/provisioner/ports.ts";
import type { DeployLimits } from "../../shared/adapters/local/deploys-life.ts";
import { createLog } from "../../shared/runtime/log.ts";
import { type Caller, createCaller } from "./caller.ts";
import { endLeftovers } from "./leftovers.ts";
import { PEOPLE } from "./people.ts";

export { PEOPLE } from "./people.ts";

/** A control plane under test. */
export interface TestInstallation extends ControlPlane {
  readonly state: StateFolder;
  readonly keys: Keys;
  readonly adapters: EmbeddedAdapters;
  readonly api: Caller;
  readonly tokens: ReadonlyMap<string, string>;
  /** Everything that was logged. */
  log(): string;
  /** Stops it, ends what it left behind and removes the folder. */
  close(): Promise<void>;
}

/** What a test may choose. */
export interface InstallationOptions {
  /** Puts other adapters in between; called before anything starts. */
  readonly wrap?: (adapters: EmbeddedAdapters) => EmbeddedAdapters;
  readonly buildLimits?: BuildLimits;
  readonly deployLimits?: Partial<DeployLimits>;
}

/** A new folder for a state; its path is real, as a process sees its own. */
export const newStateFolder = (): string => realpathSync(mkdtempSync(join(tmpdir(), "signalbox-e2e-")));

/** Starts a control plane on free ports. */
export async function startTestInstallation(options: InstallationOptions = {}): Promise<TestInstallation> {
  const folder = newStateFolder();
  const state = await openStateFolder(folder);
  await mkdir(state.path("artifacts"), { recursive: true });
  const tokens = await openPrincipals(state, PEOPLE);
  const keys = await openKeys(state);
  const logFile = state.path("signalbox.log");
  let gatewayUrl = "";
  const opened = await openAdapters({
    gatewayUrl: () => gatewayUrl,
    state,
    keys,
    log: createLog("signalbox", destination({ dest: logFile, append: true, sync: true }), keys.hidden),
    path: process.env["PATH"] ?? "",
    ray: undefined,
    artifactRoots: [],
    ...(options.deployLimits === undefined ? {} : { deployLimits: options.deployLimits }),
  });
  const adapters = options.wrap?.(opened) ?? opened;
  const plane = await startControlPlane(adapters, {
    state,
    keys,
    port: 0,
    gatewayPort: 0,
    ...(options.buildLimits === undefined ? {} : { buildLimits: options.buildLimits }),
  });
  ({ gatewayUrl } = plane);
  return {
    ...plane,
    state,
    keys,
    adapters,
    tokens,
    api: createCaller(() => plane.url, tokens),
    log: () => readFileSync(logFile, "utf8"),
    async close() {
      await plane.close();
      await endLeftovers(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
