// `npm run emulated`: the tour on Google's official emulators, with every service a process of its own.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { requireEmulators } from "./compose/emulators.ts";
import { RequirementError, requireTerraform } from "./compose/requirements.ts";
import { PACKAGE_ROOT } from "./compose/shipped.ts";
import type { FirstPerson } from "./compose/state-folder.ts";
import { stopRequested } from "./compose/stop.ts";
import { EMULATED_SERVICES, type EmulatedPlane, startEmulatedPlane } from "./emulated/plane.ts";
import { createNarrator, formatFigures } from "./tour/narrator.ts";
import { createStage, TourError } from "./tour/stage.ts";
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

/** What a shell answers for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

async function play(plane: EmulatedPlane, signal: AbortSignal): Promise<void> {
  const colour = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  const narrator = createNarrator(process.stdout, () => performance.now(), colour);
  const started = performance.now();
  const options = { ray: undefined, narrator, signal };
  await playTour(createStage(tourOf({ ...plane, webhookSecret: plane.keys.webhookSecret }, options)));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  out(`\n${formatFigures(narrator.figures())}\n\nThe tour took ${seconds} s. Everything did what it says.\n`);
}

/** Starts everything, plays, and stops everything; answers the exit code. */
async function live(folder: string, signal: AbortSignal): Promise<number> {
  try {
    const plane = await startEmulatedPlane(folder, PEOPLE, signal);
    try {
      await play(plane, signal);
    } finally {
      if (signal.aborted) out("\nStopping …\n");
      await plane.stop();
    }
  } catch (error) {
    // Whatever was under way when it was asked to stop failed for that reason.
    if (signal.aborted) return INTERRUPTED;
    if (!(error instanceof TourError)) throw error;
    process.stderr.write(`\nThe tour failed: ${error.message}\nState and logs are kept in ${folder}.\n`);
    return 1;
  }
  return 0;
}

async function main(): Promise<number> {
  const stopped = new AbortController();
  void stopRequested().then(() => stopped.abort());
  requireEmulators();
  await requireTerraform(process.env["PATH"] ?? "");
  // Google's clients ask for their machine's metadata, for seconds, even when they talk to an emulator.
  process.env["METADATA_SERVER_DETECTION"] ??= "none";
  const folder = join(PACKAGE_ROOT, ".signalbox", `emulated-${Date.now()}`);
  out(WORLD_TEXT);
  const code = await live(folder, stopped.signal);
  if (code !== 1) await rm(folder, { recursive: true, force: true });
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof RequirementError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
