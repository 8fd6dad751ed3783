// The Ray that the environment names: `SIGNALBOX_RAY_ADDRESS`, and `SIGNALBOX_RAY_TOKEN` when its head asks for one.

/** Where Ray's Jobs API answers. */
export interface RayAddress {
  readonly address: string;
  readonly token?: string;
}

/** The Ray of the environment; undefined when none is named. */
export function rayFromEnvironment(env: NodeJS.ProcessEnv): RayAddress | undefined {
  const address = env["SIGNALBOX_RAY_ADDRESS"];
  const token = env["SIGNALBOX_RAY_TOKEN"];
  if (address === undefined || address === "") return undefined;
  return { address, ...(token === undefined || token === "" ? {} : { token }) };
}
