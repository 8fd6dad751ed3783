// The Ray that the demo uses: one that runs already, one of its own, or none, said aloud.
import { rayFromEnvironment, type RayAddress } from "../compose/ray.ts";
import { startRay } from "../ray.ts";

/** A Ray for the time of this process. */
export interface DemoRay extends RayAddress {
  stop(): Promise<void>;
}

/** `SIGNALBOX_RAY_ADDRESS` if it is set; else a local head with `--with-ray`; else undefined. */
export async function findRay(options: {
  readonly withRay: boolean;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (text: string) => void;
}): Promise<DemoRay | undefined> {
  const { withRay, folder, env, say } = options;
  const named = rayFromEnvironment(env);
  if (named !== undefined) return { ...named, stop: async () => {} };
  if (!withRay) return undefined;
  return startRay(folder, { say: (sentence) => say(`${sentence}\n`) });
}
