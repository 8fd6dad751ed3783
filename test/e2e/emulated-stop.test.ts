// `npm run emulated` on a machine without emulators, and Ctrl-C at a moment that chance chooses.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isRunning, processIdentity } from "../../shared/adapters/local/process-identity.ts";
import { emulatorJar, emulatorMissing } from "../../scripts/compose/emulators.ts";
import { ROOT } from "../support/source-files.ts";
import { hasTerraform } from "../support/terraform-stacks.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 240_000;
/** Less than that, so that what the tour said is told when it never comes there. */
const MOMENT_WITHIN_MS = 200_000;
/** Longer than a service may take to stop. */
const STOPPED_WITHIN_MS = 30_000;
/** Until the system has removed a process that was killed. */
const GONE_WITHIN_MS = 5_000;
const SEED = Number(process.env["SEED"] ?? Date.now() % 100_000);
/** While emulators start; while services run and nothing happens; while a plan runs. */
const MOMENTS = ["The world of this tour", "1 · A pull request", "ada opens pull request #1"] as const;
const MOMENT = MOMENTS[SEED % MOMENTS.length] ?? MOMENTS[0];

const why = [
  ...(["firestore", "pubsub"] as const)
    .filter((name) => emulatorJar(name) === undefined)
    .map((name) => emulatorMissing(name)),
  ...(hasTerraform ? [] : ["no terraform"]),
  ...(process.platform === "linux" ? [] : ["no /proc"]),
].join("; ");

/** The tour as npm starts it, and what it has said. */
function startTour(environment: Readonly<Record<string, string>> = {}) {
  const program = join(ROOT, "scripts", "emulated.ts");
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
  return { child, said: () => said, ended: once(child, "exit") };
}

/** Processes below this one, by their parents. */
function descendants({ pid }: ChildProcess): readonly number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
  const found = [pid ?? 0];
  for (const above of found)
    found.push(...parents.filter(({ parent }) => parent === above).map((each) => each.pid));
  return found.slice(1);
}

test("a machine without emulators and Java is told what to install, all of it at once", async () => {
  const { said, ended } = startTour({ GOOGLE_CLOUD_EMULATORS: "/nowhere", PATH: "/nowhere" });
  expect(await ended).toEqual([1, null]);
  expect(said()).toMatch(/gcloud components install cloud-firestore-emulator/);
  expect(said()).toMatch(/gcloud components install pubsub-emulator/);
  expect(said()).toMatch(/Java of version 11 or newer/);
  expect(said()).not.toMatch(/\n\s+at /);
});

test.skipIf(why !== "")(
  `Ctrl-C at "${MOMENT}" leaves no process (seed ${SEED})${why === "" ? "" : ` SKIPPED: ${why}`}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const { child, said, ended } = startTour();
    await until(
      MOMENT,
      () => {
        if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode} before: ${said()}`);
        return said().includes(MOMENT) ? true : undefined;
      },
      MOMENT_WITHIN_MS,
    ).catch((error: unknown) => {
      throw new Error(`It never came to that. It said: ${said()}`, { cause: error });
    });
    const started = await until("the emulators", () => {
      const found = descendants(child);
      return found.length >= 2 ? found : undefined;
    });
    const known = await Promise.all(started.map(processIdentity));
    const asked = performance.now();
    child.kill("SIGINT");
    expect(await ended, said()).toEqual([130, null]);
    expect(performance.now() - asked).toBeLessThan(STOPPED_WITHIN_MS);
    // One that was killed is gone when the system comes to it, which takes a moment on a busy machine.
    await until(
      "no process is left",
      async () => {
        const left = await Promise.all(known.map(async (each) => each !== undefined && isRunning(each)));
        return left.includes(true) ? undefined : true;
      },
      GONE_WITHIN_MS,
    );
  },
);
