// A fact service in a process of its own: pushes come over HTTP, the state folder is shared with the other services.
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Type } from "typebox";
import { readStateHolder } from "../../shared/adapters/local/state-lock.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { failedPrecondition } from "../../shared/domain/errors.ts";
import { withDeadline } from "../../shared/runtime/deadline.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import type { Hints } from "../../shared/runtime/hints.ts";
import type { Log, LogFields } from "../../shared/runtime/log.ts";
import { onFacts, serveFunction } from "../../shared/runtime/on-facts.ts";
import { drain } from "../../shared/runtime/drain.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { countedPass } from "./call-counts.ts";
import { PASS_TIME_MAX_MS } from "./loops.ts";
import type { Stores } from "./open-stores.ts";
import { openTracing } from "./open-tracing.ts";
import { stopRequested, stopWhenAsked } from "./stop.ts";
import { type Keys, type StateFolder, openKeys, openStateFolder } from "./state-folder.ts";
import { hostOf, keepsTime, type World } from "./world.ts";

/** Between two passes of the service's reconciler, in milliseconds. */
const RECONCILE_PAUSE_MS = 1_000;

/** Variables that every fact service reads. */
export const FACT_SERVICE_VARIABLES = {
  SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: "set it to a free port." }),
} as const;

/** Where the API answers, for services that name it to others. */
export const API_VARIABLE = {
  SIGNALBOX_API_URL: Type.String({
    pattern: "^https?://[^\\s/]+$",
    description: "set it to the base URL of the API, such as http://127.0.0.1:7420.",
  }),
} as const;

/** Folders from which artifacts may come. */
export const ARTIFACT_VARIABLE = {
  SIGNALBOX_ARTIFACT_ROOTS: Type.String({
    default: "",
    description: "list folders besides <state>/artifacts, with colons between them.",
  }),
} as const;

/** The folders in such a list. */
export const folders = (list: string): readonly string[] => list.split(":").filter((folder) => folder !== "");

/** The process of a whole control plane on this folder, if one runs. The API alone holds the folder too, and runs no fact service. */
async function wholeControlPlane(folder: string): Promise<number | undefined> {
  const holder = await readStateHolder(folder);
  if (holder === undefined) return undefined;
  const server = await readFile(join(folder, "server.json"), "utf8").catch(() => "{}");
  const { pid } = JSON.parse(server) as { readonly pid?: number };
  return pid === holder.pid ? pid : undefined;
}

/** Opens a state folder beside other services; refuses one on which a whole control plane runs. */
export async function joinState(
  folder: string,
): Promise<{ readonly state: StateFolder; readonly keys: Keys }> {
  const pid = await wholeControlPlane(folder);
  if (pid !== undefined) {
    throw failedPrecondition(
      "STATE_HELD",
      `The state folder ${folder} is held by process ${pid}, which runs this service already. Stop it, or choose another folder.`,
      { folder, pid: String(pid) },
    );
  }
  const state = await openStateFolder(folder);
  return { state, keys: await openKeys(state) };
}

/** How a service runs. */
export interface AloneOptions {
  readonly world: World;
  readonly stores: Pick<Stores, "deadLetters" | "door" | "subscription">;
  readonly log: Log;
  readonly port: number;
  /** What it hears of from topics of Google's own. */
  readonly hints?: Hints;
  /** Called before the service listens; answers what the line of its start tells besides. */
  readonly start?: () => Promise<LogFields>;
  /** Called once the service listens: begins what it does unasked, and answers how that ends, which is called before it stops. */
  readonly work?: () => () => Promise<void>;
  /** Called last: closes what is open. */
  readonly close: () => void | Promise<void>;
}

/** Serves the service until SIGTERM or SIGINT; then requests under way finish, and the process ends by itself. */
export async function serveAlone(service: FactService, options: AloneOptions): Promise<void> {
  const { world, stores, log, port } = options;
  const { name } = service;
  const stopTracing = await openTracing(process.env, log, name);
  onFacts(
    service,
    { deadLetters: stores.deadLetters, clock, log },
    {
      subscription: stores.subscription,
      hints: options.hints,
    },
  );
  // What starts now may have a port of its own.
  const asked = stopRequested();
  const started = await options.start?.();
  const server = serveFunction(name, stores.door);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostOf(world), resolve);
  });
  const { port: listening } = server.address() as AddressInfo;
  log.info({ url: `http://127.0.0.1:${listening}`, ...started, inputs: service.inputs }, `${name} started`);
  const stopWork = options.work?.();
  const loop = keepsTime(world)
    ? repeat({ clock, log }, name, RECONCILE_PAUSE_MS, () =>
        withDeadline(clock, PASS_TIME_MAX_MS, `A reconciling pass of ${name}`, () =>
          countedPass(async () => service.reconcile?.()),
        ),
      )
    : undefined;
  const stop = async (): Promise<void> => {
    await loop?.stop();
    await stopWork?.();
    await drain(server);
    await options.close();
    await stopTracing();
    log.info({}, `${name} stopped`);
  };
  stopWhenAsked(asked, stop);
}
