// The services as the image has them: each is bundled by itself, so that it reads no more files at its start than three, and packages
// that are needed later are bundled once for all.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { BUILTINS } from "./builtins.ts";
import { BUNDLED, writeBeside } from "./bundle.ts";
import { PACKAGES_LATER } from "./packages-later.ts";
import {
  commonJsEntries,
  packageEntries,
  packagesApart,
  packageSources,
  type PackagesFound,
} from "./packages.ts";
import { startTogether } from "./start-chunk.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PROGRAM = "scripts/image/main.ts";
/** For what is asked for by `require`, with all that it needs in one file. */
const APART = {
  ...BUNDLED,
  banner: {},
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  splitting: false,
} as const satisfies BuildOptions;

/** Service → source, as the program's imports say. */
type Services = Map<string, string>;

/** Leaves the services out of the program that chooses one; `services` learns of them. */
const servicesApart = (services: Services): Plugin => ({
  name: "services-apart",
  setup(building) {
    building.onResolve({ filter: /\/services\/[a-z]+\/main\.ts$/ }, ({ path, kind }) => {
      const service = path.split("/").at(-2) ?? "";
      if (kind !== "dynamic-import") return undefined;
      services.set(service, `services/${service}/main.ts`);
      return { path: `./${service}.js`, external: true };
    });
  },
});

/** Bundles every service and the program that runs one. */
export async function bundleServices(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const services: Services = new Map();
  const packages: PackagesFound = { modules: new Set(), commonJs: new Set() };
  const outputs: Metafile["outputs"] = {};
  const add = async (
    entryPoints: Readonly<Record<string, string>>,
    chunks: string,
    plugins: Plugin[],
    form: BuildOptions = BUNDLED,
  ) => {
    const chunkNames = `${chunks}-[hash]`;
    const { metafile } = await build({
      ...form,
      entryPoints,
      outdir: folder,
      chunkNames,
      plugins,
      metafile: true,
    });
    Object.assign(outputs, metafile.outputs);
  };
  const apart = packagesApart(packages);
  await add({ main: PROGRAM }, "program", [servicesApart(services), apart, BUILTINS]);
  // One after the other: a build keeps all processors busy by itself.
  for (const [service, source] of services)
    await add({ [service]: source }, service, [
      apart,
      await startTogether(ROOT, source),
      PACKAGES_LATER,
      BUILTINS,
    ]);
  await add(packageEntries(packages.modules), "package", [packageSources(ROOT), BUILTINS]);
  await add(commonJsEntries(packages.commonJs), "package", [BUILTINS], APART);
  await writeBeside(folder, outputs);
}
