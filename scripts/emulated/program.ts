// The program of the services, bundled as the image has it: a killed service is back in a third of the time that its sources take.
import { join } from "node:path";
import { bundleServices as bundleAll } from "../image/services.ts";

/** A bundle and how its services are started. */
export interface ServiceProgram {
  /** Words for Node. */
  commandOf(service: string): readonly string[];
  /** Variables that every service gets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Bundles all services and the build program into `folder`; what Node compiles of them is kept there too. */
export async function bundleServices(folder: string): Promise<ServiceProgram> {
  const program = join(folder, "program");
  await bundleAll({ build: "services/provisioner/build/main.ts" }, program);
  return {
    commandOf: (service) => ["--disable-warning=ExperimentalWarning", join(program, "main.js"), service],
    environment: { NODE_COMPILE_CACHE: join(folder, "compiled") },
  };
}
