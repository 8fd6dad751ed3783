// Writes what is derived from the code: the promised vocabulary, which only grows, the table of limits, and the schema of
// `.signalbox.yaml` for editors.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeVocabulary } from "../test/architecture/vocabulary.ts";
import {
  CONFIGURATION_SCHEMA_FILE,
  configurationSchemaText,
} from "../shared/domain/configuration-json-schema.ts";
import { collectLimits, withLimits } from "./limits.ts";

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

const operations = join(import.meta.dirname, "..", "docs/operations.md");
const limits = await collectLimits();
await writeFile(operations, withLimits(await readFile(operations, "utf8"), limits));
process.stdout.write(`${limits.length} limits are listed in docs/operations.md\n`);

const schema = join(import.meta.dirname, "..", "docs", CONFIGURATION_SCHEMA_FILE);
await writeFile(schema, configurationSchemaText());
process.stdout.write(`docs/${CONFIGURATION_SCHEMA_FILE} is written\n`);
