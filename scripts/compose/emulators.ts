// Google's official emulators, started from the SDK of this machine on free loopback ports.
import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { spawnHeld } from "./held-child.ts";
import { unsharedPort } from "./ports.ts";
import { RequirementError } from "./requirements.ts";

/** Which emulator. */
export type EmulatorName = "firestore" | "pubsub";

interface Place {
  /** As `gcloud components` calls it. */
  readonly component: string;
  readonly folder: string;
  readonly jar: RegExp;
}

const PLACES: Readonly<Record<EmulatorName, Place>> = {
  firestore: {
    component: "cloud-firestore-emulator",
    folder: "cloud-firestore-emulator",
    jar: /^cloud-firestore-emulator.*\.jar$/,
  },
  pubsub: {
    component: "pubsub-emulator",
    folder: "pubsub-emulator",
    jar: /^cloud-pubsub-emulator.*\.jar$/,
  },
};

/** How long an emulator may take to answer. */
const START_TIMEOUT_MS = 60_000;
/** Between two looks whether it answers. */
const POLL_MS = 50;
/** How long one look waits for an answer: a connection that is accepted and never answered must not be the last look. */
const LOOK_TIMEOUT_MS = 2_000;
/** How long Java may take to say its version. */
const JAVA_TIMEOUT_MS = 20_000;

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
  `no ${name} emulator: install it with \`gcloud components install ${PLACES[name].component}\` (or the package google-cloud-cli-${name}-emulator), or name the SDK's platform folder in GOOGLE_CLOUD_EMULATORS`;

/** Refuses a machine that lacks an emulator, or the Java that both run on; one message names all that is missing. */
export function requireEmulators(): void {
  const missing = (["firestore", "pubsub"] as const)
    .filter((name) => emulatorJar(name) === undefined)
    .map(emulatorMissing);
  const java = spawnSync("java", ["-version"], { stdio: "ignore", timeout: JAVA_TIMEOUT_MS });
  if (java.status !== 0)
    missing.push("no Java that runs: put a Java of version 11 or newer on PATH (newer emulators need 21)");
  if (missing.length === 0) return;
  throw new RequirementError(
    `Google's emulators cannot be started:\n${missing.map((each) => `  - ${each}`).join("\n")}`,
  );
}

/** An emulator that runs. */
export interface Emulator {
  /** `127.0.0.1:port`, as the clients want it. */
  readonly host: string;
  stop(): Promise<void>;
}

/** How an emulator is started, where not as by default. */
export interface EmulatorOptions {
  /** Default: one that is free. */
  readonly port?: number;
  /** Words of its own command line. */
  readonly words?: readonly string[];
  /** Aborting ends it while it starts. */
  readonly signal?: AbortSignal;
}

async function stopProcess(child: ChildProcess): Promise<void> {
  // Without a pid it never ran.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

async function untilAnswers(host: string, signal: AbortSignal | undefined): Promise<void> {
  for (const end = performance.now() + START_TIMEOUT_MS; performance.now() < end;) {
    const answered = await fetch(`http://${host}/`, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) }).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await wait(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
  throw new Error(`It did not answer within ${START_TIMEOUT_MS} ms.`);
}

const wordsOf = (name: EmulatorName, jar: string): readonly string[] =>
  name === "firestore"
    ? ["-cp", jar, "com.google.cloud.datastore.emulator.firestore.CloudFirestore"]
    : ["-jar", jar];

/** Starts an emulator and waits until it answers. */
export async function startEmulator(name: EmulatorName, options: EmulatorOptions = {}): Promise<Emulator> {
  const { port = await unsharedPort(), words = [], signal } = options;
  const jar = emulatorJar(name);
  if (jar === undefined) throw new Error(emulatorMissing(name));
  signal?.throwIfAborted();
  const jvm = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  const place = ["--host=127.0.0.1", `--port=${port}`];
  const child = spawnHeld("java", [...jvm, ...wordsOf(name, jar), ...place, ...words], { stdio: "ignore" });
  const failed = Promise.withResolvers<never>();
  child.once("error", failed.reject);
  child.once("exit", () => failed.reject(new Error(`The ${name} emulator ended before it answered.`)));
  // Nobody waits for it any more when the emulator ends later.
  failed.promise.catch(() => undefined);
  const host = `127.0.0.1:${port}`;
  try {
    await Promise.race([untilAnswers(host, signal), failed.promise]);
    return { host, stop: () => stopProcess(child) };
  } catch (cause) {
    await stopProcess(child);
    signal?.throwIfAborted();
    throw new Error(`The ${name} emulator did not start on ${host}.`, { cause });
  }
}
