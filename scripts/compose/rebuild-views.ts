// Every read model held against the ledger, and mended where they differ, while the services go on. It can be stopped and run again at
// any time.
import { Type } from "typebox";
import { DATA_VIEWS } from "../../services/data/views.ts";
import { PROVISIONER_VIEWS } from "../../services/provisioner/views.ts";
import { REGISTRY_VIEWS } from "../../services/registry/views.ts";
import { ROLLOUT_VIEWS } from "../../services/rollout/views.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createLog, type Log } from "../../shared/runtime/log.ts";
import type { Projection, ProjectorPorts } from "../../shared/runtime/project.ts";
import { rebuildLive } from "../../shared/runtime/rebuild-live.ts";
import { openLedger } from "./open-ledger.ts";
import { openStateFolder } from "./state-folder.ts";
import { configure, type World } from "./world.ts";

/** Every read model that there is. */
export const ALL_VIEWS: readonly Projection[] = [
  ...PROVISIONER_VIEWS,
  ...REGISTRY_VIEWS,
  ...ROLLOUT_VIEWS,
  ...DATA_VIEWS,
];

/** What a shell answers for wrong usage. */
const USAGE = 64;

interface Opened extends ProjectorPorts {
  close(): Promise<void>;
}

/** Ledger and views alone: nothing is published from here. Refuses a database that a newer program has written. */
async function open(world: World, folder: string, log: Log): Promise<Opened> {
  if (world.kind === "embedded") {
    const { db, ledger, views } = openLedger(await openStateFolder(folder));
    return { ledger, views, close: async () => db.close() };
  }
  const { openStore } = await import("../../shared/adapters/google/firestore.ts");
  const { requireKnownSchema } = await import("../../shared/adapters/google/firestore-schema.ts");
  const { createLedger } = await import("../../shared/adapters/google/ledger.ts");
  const { createViews } = await import("../../shared/adapters/google/views.ts");
  const { project, database, emulators } = world;
  const emulator = emulators === undefined ? {} : { emulator: emulators.firestore };
  const store = openStore({ project, database, ...emulator }, clock);
  await requireKnownSchema(store, log);
  return { ledger: createLedger(store), views: createViews(store), close: () => store.close() };
}

/** Rebuilds the views of these names, or all; answers the exit code of the program. */
export async function rebuildViews(names: readonly string[]): Promise<number> {
  const known = ALL_VIEWS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(
      `${unknown.join(", ")}: no view. Give none for all, or some of ${known.join(", ")}.\n`,
    );
    return USAGE;
  }
  const { config, world } = configure(process.env, "called", {
    SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
  });
  const log = createLog("rebuild-views");
  const stores = await open(world, config.SIGNALBOX_STATE, log);
  try {
    // One after the other: each has its documents in memory.
    for (const view of ALL_VIEWS.filter(({ name }) => names.length === 0 || names.includes(name))) {
      const done = await rebuildLive({ ...stores, clock }, view, (soFar) =>
        log.info({ ...soFar }, "rebuilding"),
      );
      log.info({ ...done }, "rebuilt");
    }
    return 0;
  } catch (error) {
    log.error({ error }, "The views are not rebuilt. Run it again: what is right already stays as it is.");
    return 1;
  } finally {
    await stores.close();
  }
}
