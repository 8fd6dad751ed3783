// `compile.ts FOLDER SERVICE` starts a service of a bundle, runs the code that it loads later, and keeps what has been compiled by then.
// `warm.ts` calls it with a state folder that nobody needs.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { openGoogleStores } from "../compose/open-google.ts";
import { readChunks } from "./chunks.ts";
import { type Scripts, SCRIPTS } from "./scripts.ts";

/** How long Google's clients try to reach nobody: what they run until they wait is kept, and waiting brings no more. */
const TRY_MS_MAX = 1_000;
const NOBODY = "127.0.0.1:9";

const [folder = ".", service = ""] = process.argv.slice(2);

/**
 * Opens the stores of Google Cloud as the service does there. V8 compiles a function when it is called first, and a client is made and
 * asked at every start.
 */
async function askNobody(open: typeof openGoogleStores): Promise<void> {
  const silent = () => undefined;
  await open(
    {
      kind: "google-cloud",
      project: "nobody",
      database: "(default)",
      topic: "facts",
      emulators: { firestore: NOBODY, pubsub: NOBODY },
      subscription: "",
      audience: "",
      senders: [],
      checkedInFront: false,
    },
    { info: silent, warn: silent, error: silent },
  );
}

const { services, imports } = await readChunks(folder);
const first = services[service];
if (first === undefined) throw new Error(`The bundle has no service ${JSON.stringify(service)}.`);
process.argv[2] = service;
// Comes back once the service has started.
await import(pathToFileURL(join(folder, "main.js")).href);
const scripts = (globalThis as unknown as { readonly [SCRIPTS]: Scripts })[SCRIPTS];
const reached = new Set([first]);
for (const file of reached) for (const next of imports[file] ?? []) reached.add(next);
for (const file of reached) {
  // The program of the service is a module, and runs already.
  const loaded = file === first ? {} : (scripts.load(`./${file}`) as object);
  if ("openGoogleStores" in loaded)
    await Promise.race([
      // Nobody answers, which is no news.
      askNobody(loaded.openGoogleStores as typeof openGoogleStores).catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, TRY_MS_MAX)),
    ]);
}
scripts.keep();
process.exit(0);
