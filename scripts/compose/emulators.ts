// Google's official emulators, started from the SDK of this machine on free loopback ports.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { systemPort } from "./ports.ts";

/** Which emulator. */
export type EmulatorName = "firestore" | "pubsub";

const PLACES: Readonly<Record<EmulatorName, { readonly folder: string; readonly jar: RegExp }>> = {
  firestore: { folder: "cloud-firestore-emulator", jar: /^cloud-firestore-emulator.*\.jar$/ },
  pubsub: { folder: "pubsub-emulator", jar: /^cloud-pubsub-emulator.*\.jar$/ },
};

/** How long an emulator may take to answer. */
const START_TIMEOUT_MS = 60_000;
/** Between two looks whether it answers. */
const POLL_MS = 50;

/** Folders that may be the SDK's `platform`: the one that is named, else beside `gcloud` on PATH. */
function platforms(): readonly string[] {
  const named = process.env["GOOGLE_CLOUD_EMULATORS"];
  if (named !== undefined && named !== "") return [named, join(named, "platform")];
  const gclouds = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "gcloud"));
  return gclouds
    .filter((path) => existsSync(path))
    .flatMap((path) => [
      join(realpathSync(path), "..", "..", "platform"),
      "/usr/lib/google-cloud-sdk/platform",
    ]);
}

function findIn(folder: string, jar: RegExp): string | undefined {
  if (!existsSync(folder)) return undefined;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isFile() && jar.test(entry.name)) return join(folder, entry.name);
    const inside =
      entry.isDirectory() && entry.name === "lib" ? findIn(join(folder, entry.name), jar) : undefined;
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** The jar of an emulator, or undefined where there is none. */
export function emulatorJar(name: EmulatorName): string | undefined {
  const { folder, jar } = PLACES[name];
  return platforms()
    .map((platform) => findIn(join(platform, folder), jar))
    .find((found) => found !== undefined);
}

/** What a skipped test says. */
export const emulatorMissing = (name: EmulatorName): string =>
  `no ${name} emulator: install it with gcloud, or name the SDK's platform folder in GOOGLE_CLOUD_EMULATORS`;

/** An emulator that runs. */
export interface Emulator {
  /** `127.0.0.1:port`, as the clients want it. */
  readonly host: string;
  stop(): Promise<void>;
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** Starts an emulator, on this port if it is given, and waits until it answers. */
export async function startEmulator(name: EmulatorName, port?: number): Promise<Emulator> {
  const jar = emulatorJar(name);
  if (jar === undefined) throw new Error(emulatorMissing(name));
  const chosen = port ?? (await systemPort());
  const main =
    name === "firestore"
      ? ["-cp", jar, "com.google.cloud.datastore.emulator.firestore.CloudFirestore"]
      : ["-jar", jar];
  const child = spawn(
    "java",
    [
      "-Xmx384m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      ...main,
      "--host=127.0.0.1",
      `--port=${chosen}`,
    ],
    { stdio: ["ignore", "ignore", "ignore"] },
  );
  const host = `127.0.0.1:${chosen}`;
  const end = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answered = await fetch(`http://${host}/`).then(
      () => true,
      () => false,
    );
    if (answered) return { host, stop: () => stopProcess(child) };
    if (child.exitCode !== null || performance.now() > end) {
      await stopProcess(child);
      throw new Error(`The ${name} emulator did not start on ${host}.`);
    }
    await wait(POLL_MS);
  }
}
