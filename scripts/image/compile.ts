// `compile.ts FOLDER SERVICE` starts a service of a bundle, reads the code that it loads later, and ends; Node writes its compile cache
// then. `warm.ts` calls it with a state folder that nobody needs.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readChunks } from "./chunks.ts";

const [folder = ".", service = ""] = process.argv.slice(2);
const load = (file: string): Promise<unknown> => import(pathToFileURL(join(folder, file)).href);

const { services, imports } = await readChunks(folder);
const first = services[service];
if (first === undefined) throw new Error(`The bundle has no service ${JSON.stringify(service)}.`);
process.argv[2] = service;
// Comes back once the service has started.
await load("main.js");
const reached = new Set([first]);
for (const file of reached) for (const next of imports[file] ?? []) reached.add(next);
for (const file of reached) await load(file);
process.exit(0);
