// Writes what is derived from the code: the promised vocabulary. Adds, never takes away.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeVocabulary } from "../test/architecture/vocabulary.ts";

const path = join(import.meta.dirname, "..", "test/architecture/vocabulary.json");
const promised = JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as Record<
  string,
  Record<string, string>
>;
const merged = { ...promised };
for (const [type, fields] of Object.entries(describeVocabulary()))
  merged[type] = { ...fields, ...promised[type] };
await writeFile(path, `${JSON.stringify(merged, null, 2)}\n`);
process.stdout.write(
  `${Object.keys(merged).length} facts are promised in test/architecture/vocabulary.json\n`,
);
