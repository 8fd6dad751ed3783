// A job as Cloud Run starts it: its command in a folder that holds what the image does, on its settings alone, in an internet where
// Firestore is the official emulator, the rest of Google are fakes, and Pub/Sub is not.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { openStore } from "../../../shared/adapters/google/firestore.ts";
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createViews } from "../../../shared/adapters/google/views.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { parseDockerfile } from "../dockerfile.ts";
import { temporaryFolder } from "../folder.ts";
import { readSource, ROOT } from "../source-files.ts";
import { startEmulator } from "./emulators.ts";
import { firestoreAnswers } from "./first-answer.ts";
import { startGoogle } from "./google-front.ts";

/** What an image takes to be made here. */
const IMAGE_MS_MAX = 300_000;

/** A job as Terraform plans it. */
export interface PlannedJob {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The variables that the Dockerfile gives the image of the services. */
function environmentOfImage(): Readonly<Record<string, string>> {
  const stage = parseDockerfile(readSource("Dockerfile")).find(({ name }) => name === "services");
  const words = (stage?.instructions ?? []).flatMap(({ keyword, words: all }) =>
    keyword === "ENV" ? all : [],
  );
  return Object.fromEntries(words.map((word) => word.split("=", 2) as [string, string]));
}

/** A word of a command line with the image's paths as they are here. */
function here(word: string, image: string): string {
  if (word === "/nodejs/bin/node") return process.execPath;
  if (!word.startsWith("/app/")) return word;
  const path = join(image, "services", word.slice("/app/".length));
  if (!existsSync(path)) throw new Error(`The image has no ${word}.`);
  return path;
}

/** Makes the image's folder and starts the emulator; `run` starts the job with arguments. All ends with the test. */
export async function jobOnGoogle({ command, environment }: PlannedJob) {
  const image = temporaryFolder();
  const bundle = [join(ROOT, "scripts/image/build.ts"), image];
  const firestore = await startEmulator("firestore");
  onTestFinished(() => firestore.stop());
  await promisify(execFile)(process.execPath, bundle, { timeout: IMAGE_MS_MAX });
  const site = { port: Number(firestore.host.split(":")[1]), isGrpc: true };
  const google = await startGoogle({ "firestore.googleapis.com": site });
  const [project = "", database = ""] = [
    environment["GOOGLE_CLOUD_PROJECT"],
    environment["SIGNALBOX_DATABASE"],
  ];
  const store = openStore({ project, database, emulator: firestore.host }, clock);
  onTestFinished(() => store.close());
  const ledger = createLedger(store);
  await firestoreAnswers(firestore.host);
  const [program = "", ...words] = command.map((word) => here(word, image));
  return {
    ledger,
    views: createViews(store),
    /** What the fakes were asked besides. */
    asked: (): number => google.storage.requests.length + google.build.requests.length,
    /** Its exit code, and the lines of its log. */
    async run(...args: readonly string[]) {
      const env = { ...google.environment, ...environmentOfImage(), ...environment, CLOUD_RUN_JOB: "job" };
      const child = spawn(program, [...words, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
      onTestFinished(() => void child.kill("SIGKILL"));
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (text: Buffer) => (output += text.toString()));
      const [status] = (await once(child, "close")) as [number | null];
      const lines = output
        .split("\n")
        .flatMap((line) =>
          line.startsWith("{") ? [JSON.parse(line) as Readonly<Record<string, unknown>>] : [],
        );
      return { status, output, lines };
    },
  };
}
