// Secrets as files. What is special to files is in `local-files.test.ts`.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { itBehavesLikeSecrets } from "../contracts/secrets.ts";
import { temporaryFolder } from "../support/folder.ts";

itBehavesLikeSecrets("files of a folder", async () => {
  const folder = temporaryFolder();
  return {
    secrets: createSecrets(folder),
    put: async (name, versions) => {
      const [current = "", previous] = versions.toReversed();
      await writeFile(join(folder, name), current, { mode: 0o600 });
      if (previous !== undefined)
        await writeFile(join(folder, `${name}.previous`), previous, { mode: 0o600 });
    },
  };
});
