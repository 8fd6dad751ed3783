// The program of the services, bundled as the image has it: a killed service is back in a third of the time that its sources take.
import { join } from "node:path";
import { build } from "esbuild";
import { BUILTINS } from "../image/builtins.ts";
import { BUNDLED } from "../image/bundle.ts";
import { bundleServices as bundleAll } from "../image/services.ts";
import { toScripts } from "../image/to-scripts.ts";

/** A bundle and how its services are started. */
export interface ServiceProgram {
  /** Words for Node. */
  commandOf(service: string): readonly string[];
  /** Variables that every service gets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The build program, which the provisioner starts from beside its own code. */
const BUILD = { build: "services/provisioner/build/main.ts" };

/** Bundles all services and the build program into `folder`. */
export async function bundleServices(folder: string): Promise<ServiceProgram> {
  const program = join(folder, "program");
  await bundleAll(program);
  await toScripts(program);
  await build({
    ...BUNDLED,
    splitting: false,
    entryPoints: BUILD,
    outdir: program,
    plugins: [BUILTINS],
  });
  return {
    commandOf: (service) => ["--disable-warning=ExperimentalWarning", join(program, "main.js"), service],
    environment: { NODE_COMPILE_CACHE: join(folder, "compiled") },
  };
}
