// Fills Node's compile cache (NODE_COMPILE_CACHE) with the code of a bundle, when an image is made: it cannot be written while one
// runs, because the file system is read-only then. Services find no configuration here and say so by an error, which is expected.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder = "."] = process.argv.slice(2);
// The entry comes last, as if it were asked for a service: by then it is known that none of them starts here.
process.argv[2] = "webhook";
const files = readdirSync(resolve(folder))
  .filter((name) => name.endsWith(".js"))
  .sort();
let refused = 0;
for (const file of files) {
  try {
    await import(pathToFileURL(join(resolve(folder), file)).href);
  } catch (error) {
    if ((error as { reason?: unknown }).reason !== "CONFIG_INVALID") throw error;
    refused += 1;
  }
}
process.stdout.write(`Compiled ${files.length} files, of which ${refused} found no configuration.\n`);
process.exit(0);
