// What the release of an image asks of this repository, for cloudbuild.yaml:
//   release.ts names PREFIX             the names of the Cloud Run services, one a line
//   release.ts sources PREFIX FROM TO   from FROM/<name>.json, as `gcloud run services describe --format=json` writes it, the folder TO/<name>
//                                       that the release of this service alone is rendered from
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { PACKAGE_ROOT } from "../compose/shipped.ts";
import { deployments } from "./deployments.ts";
import { releaseManifest, type RunningService } from "./manifest.ts";

/** Where skaffold.yaml looks for the one manifest of a release. */
const MANIFEST = "deploy/service.yaml";

const [what, prefix = "", from = "", to = ""] = process.argv.slice(2);
if (prefix === "") throw new Error("Say the prefix of the environment's names, such as signalbox-dev.");
const named = deployments().map((each) => ({ ...each, name: `${prefix}-${each.key}` }));
if (what === "names") process.stdout.write(named.map(({ name }) => `${name}\n`).join(""));
else if (what === "sources") {
  // All are read before one is written: a service that is not as the topology says stops every release.
  const releases = await Promise.all(
    named.map(async ({ name, service }) => {
      const document = JSON.parse(await readFile(join(from, `${name}.json`), "utf8")) as RunningService;
      return { folder: join(to, name), manifest: releaseManifest(document, name, service) };
    }),
  );
  for (const { folder, manifest } of releases) {
    await mkdir(join(folder, dirname(MANIFEST)), { recursive: true });
    await writeFile(join(folder, MANIFEST), stringify(manifest));
    await copyFile(join(PACKAGE_ROOT, "skaffold.yaml"), join(folder, "skaffold.yaml"));
  }
} else throw new Error(`${what} is not known: names or sources.`);
