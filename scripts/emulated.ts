// `npm run emulated`: the tour on Google's official emulators, with every service a process of its own.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { emulatorJar, emulatorMissing } from "./compose/emulators.ts";
import { PACKAGE_ROOT } from "./compose/shipped.ts";
import type { FirstPerson } from "./compose/state-folder.ts";
import { stopRequested } from "./compose/stop.ts";
import { EMULATED_SERVICES, type EmulatedPlane, startEmulatedPlane } from "./emulated/plane.ts";
import { createNarrator, formatFigures } from "./tour/narrator.ts";
import { TourError } from "./tour/stage.ts";
import { tourOf } from "./tour/tour-of.ts";
import { playTour } from "./tour/tour.ts";

const PEOPLE: readonly FirstPerson[] = [
  { principal: "admin", role: "admin", codeHostLogins: [], tokenFile: "token" },
  { principal: "ada", role: "engineer", codeHostLogins: ["ada", "ada@example.com"], tokenFile: "token-ada" },
  {
    principal: "grace",
    role: "operator",
    codeHostLogins: ["grace", "grace@example.com"],
    tokenFile: "token-grace",
  },
];

const out = (text: string): void => void process.stdout.write(text);

/** What is real here and what stands in for it. */
const WORLD_TEXT = `The world of this tour:
  Firestore, Pub/Sub         Google's official emulators; facts are pushed over HTTP
  ${EMULATED_SERVICES.length} services                 a process each, as on Cloud Run
  builds, Terraform          local, in place of Cloud Build
  model servers, gateway     local, in place of Cloud Deploy and the Gateway of GKE
  workflow executions        our engine, in place of Cloud Workflows
  code host                  local Git repositories, with deliveries that are signed as GitHub signs them
`;

async function play(plane: EmulatedPlane, signal: AbortSignal): Promise<number> {
  const colour = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  const narrator = createNarrator(process.stdout, () => performance.now(), colour);
  const started = performance.now();
  try {
    await playTour(
      tourOf({ ...plane, webhookSecret: plane.keys.webhookSecret }, { ray: undefined, narrator, signal }),
    );
  } catch (error) {
    if (!(error instanceof TourError)) throw error;
    process.stderr.write(
      `\nThe tour failed: ${error.message}\nState and logs are kept in ${plane.state.root}.\n`,
    );
    return 1;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  out(`\n${formatFigures(narrator.figures())}\n\nThe tour took ${seconds} s. Everything did what it says.\n`);
  return 0;
}

async function main(): Promise<number> {
  const missing = (["firestore", "pubsub"] as const).filter((name) => emulatorJar(name) === undefined);
  if (missing.length > 0) {
    process.stderr.write(`The tour cannot be played: ${missing.map(emulatorMissing).join("; ")}.\n`);
    return 1;
  }
  const stopped = new AbortController();
  void stopRequested().then(() => stopped.abort());
  const folder = join(PACKAGE_ROOT, ".signalbox", `emulated-${Date.now()}`);
  out(WORLD_TEXT);
  const plane = await startEmulatedPlane(folder, PEOPLE);
  let code = 1;
  try {
    code = await play(plane, stopped.signal);
  } finally {
    await plane.stop();
  }
  if (code === 0) await rm(folder, { recursive: true, force: true });
  return code;
}

process.exitCode = await main();
