// `compile.ts FOLDER SERVICE` starts a service of a bundle, reads the code that it loads later, and ends; Node writes its compile cache
// then. `warm.ts` calls it with a state folder that nobody needs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chunkOfService, importsOf } from "./chunks.ts";

const [folder = ".", service = ""] = process.argv.slice(2);
const textOf = (file: string): string => readFileSync(join(folder, file), "utf8");
const load = (file: string): Promise<unknown> => import(pathToFileURL(join(folder, file)).href);

const first = chunkOfService(textOf("main.js")).get(service);
if (first === undefined) throw new Error(`main.js has no service ${JSON.stringify(service)}.`);
process.argv[2] = service;
// Comes back once the service has started.
await load("main.js");
const reached = new Set([first]);
for (const file of reached) for (const next of importsOf(textOf(file))) reached.add(next);
for (const file of reached) await load(file);
process.exit(0);
