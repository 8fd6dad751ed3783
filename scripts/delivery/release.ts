// What the release of an image asks of this repository, for cloudbuild.yaml:
//   release.ts names PREFIX               the names of the Cloud Run services, one a line
//   release.ts manifests PREFIX FROM TO   from FROM/<name>.json, as `gcloud run services describe --format=json` writes it, TO/<name>.yaml
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { deployments } from "./deployments.ts";
import { releaseManifest, type RunningService } from "./manifest.ts";

const [what, prefix = "", from = "", to = ""] = process.argv.slice(2);
if (prefix === "") throw new Error("Say the prefix of the environment's names, such as signalbox-dev.");
const named = deployments().map((each) => ({ ...each, name: `${prefix}-${each.key}` }));
if (what === "names") process.stdout.write(named.map(({ name }) => `${name}\n`).join(""));
else if (what === "manifests") {
  await mkdir(to, { recursive: true });
  for (const { name, service } of named) {
    const document = JSON.parse(await readFile(join(from, `${name}.json`), "utf8")) as RunningService;
    await writeFile(join(to, `${name}.yaml`), stringify(releaseManifest(document, name, service)));
  }
} else throw new Error(`${what} is not known: names or manifests.`);
