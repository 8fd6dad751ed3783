// Ctrl-C and a second start: everything ends within seconds, nothing is left behind, and whoever comes second is told why.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isRunning } from "../../shared/adapters/local/process-identity.ts";
import { configurationText, createDemoPlatform, ENDPOINT, versionName } from "../support/demo-platform.ts";
import {
  type InstallationProcess,
  NotStartedError,
  startInstallationProcess,
} from "../support/installation-process.ts";
import { newStateFolder } from "../support/installation.ts";
import { endLeftovers, runningProcesses, serverProcesses } from "../support/leftovers.ts";
import { startLiveRequests } from "../support/live-requests.ts";
import { ROOT } from "../support/source-files.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 60_000;
/** "Within seconds", on a busy machine. */
const STOPPED_WITHIN_MS = 10_000;

function stateFolder(): string {
  const state = newStateFolder();
  onTestFinished(async () => {
    await endLeftovers(state);
    rmSync(state, { recursive: true, force: true });
  });
  return state;
}

async function start(state: string): Promise<InstallationProcess> {
  const running = await startInstallationProcess({ state });
  onTestFinished(async () => void (await running.kill()));
  return running;
}

/** The state folder of a tour that runs, by its process. */
function findStateOf(pid: number): string | undefined {
  const folder = join(ROOT, ".signalbox");
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder).find((name) => {
    const file = join(folder, name, "server.json");
    return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid === pid;
  });
  return found === undefined ? undefined : join(folder, found);
}

/** Stops it, and expects that it ends by itself in time with everything that it had started. */
async function expectStops(running: InstallationProcess, state: string): Promise<void> {
  const askedMs = performance.now();
  const end = await running.stop("SIGINT");
  expect(end, running.errors()).toEqual({ code: 0, signal: null });
  expect(performance.now() - askedMs).toBeLessThan(STOPPED_WITHIN_MS);
  expect(await runningProcesses(state)).toEqual([]);
}

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}Ctrl-C during a rollout ends the model servers too, and the next start goes on from there`,
  async () => {
    const state = stateFolder();
    const first = await start(state);
    const platform = await createDemoPlatform(
      { state, api: first.api, url: () => first.url, webhookSecret: first.webhookSecret },
      configurationText({ minSeconds: 600 }),
    );
    await platform.register("1");
    await first.api.awaits("version 1 serves", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 1);
    const requests = startLiveRequests(first.gatewayUrl, "ranker", 100);
    onTestFinished(() => requests.stop());
    await until("version 1 is good", async () =>
      (await platform.rolloutOf("1"))?.["state"] === "PROMOTED" ? true : undefined,
    );
    await platform.register("2");
    await first.api.awaits("the canary has traffic", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 2);
    expect((await serverProcesses(state)).size).toBe(2);
    await expectStops(first, state);

    const second = await start(state);
    const endpoint = await second.api.awaits("the endpoint is there", `/v1/${ENDPOINT}`, () => true);
    expect(endpoint).toMatchObject({ epoch: 2, weights: { [versionName("1")]: 50, [versionName("2")]: 50 } });
    await until("both versions answer again", async () => {
      const seen = new Set<string | null>();
      for (let request = 0; request < 20; request++) {
        const response = await fetch(`${second.gatewayUrl}/ranker/v1/predict`);
        await response.arrayBuffer();
        if (response.ok) seen.add(response.headers.get("x-signalbox-version"));
      }
      return seen.size === 2 ? true : undefined;
    });
    await expectStops(second, state);
  },
  TIMEOUT_MS,
);

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}a second start on the same state fails and says who holds it`,
  async () => {
    const state = stateFolder();
    const holder = await start(state);
    const refused = await startInstallationProcess({ state }).then(
      async (running) => {
        await running.kill();
        return undefined;
      },
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(NotStartedError);
    expect(refused).toMatchObject({ end: { code: 1, signal: null } });
    const { message } = refused as NotStartedError;
    expect(message).toContain(`process ${holder.pid}`);
    expect(message).toContain(holder.url);
    expect(message).toContain(state);
    expect(await holder.api.call("GET", "/v1/stacks")).toMatchObject({ status: 200 });
    await expectStops(holder, state);
  },
  TIMEOUT_MS,
);

/** `npm start -- --once`, and the lines that it has told. */
function startTour() {
  const child = spawn(process.execPath, [join(ROOT, "scripts/start.ts"), "--once"], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const told: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => told.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => told.push(line));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const folder = async (): Promise<string> =>
    until("the tour has a state folder", () => findStateOf(child.pid ?? 0));
  return { child, told, ended, folder };
}

/** Interrupts a tour, and expects that it ends in time without a word of failure and without its folder. */
async function expectInterrupted({ child, told, ended }: ReturnType<typeof startTour>, folder: string) {
  child.kill("SIGINT");
  const askedMs = performance.now();
  const code = await ended;
  expect(performance.now() - askedMs).toBeLessThan(STOPPED_WITHIN_MS);
  expect({ code, last: told.at(-1) }).toMatchObject({
    code: 130,
    last: expect.stringMatching(/^Stopping/),
  });
  expect(existsSync(folder)).toBe(false);
}

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}Ctrl-C in the middle of the tour ends it and everything that it started`,
  async () => {
    const tour = startTour();
    await until("the tour serves version 1", () =>
      tour.told.some((line) => line.includes("Version 1 serves")) ? true : undefined,
    );
    const folder = await tour.folder();
    const servers = [...(await serverProcesses(folder)).values()];
    expect(servers).toHaveLength(1);
    await expectInterrupted(tour, folder);
    for (const server of servers) expect(await isRunning(server)).toBe(false);
  },
  TIMEOUT_MS,
);

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}Ctrl-C while the tour's Terraform runs ends that too, and leaves no folder that it would write to`,
  async () => {
    const tour = startTour();
    const folder = await tour.folder();
    const builds = await until("Terraform runs", async () => {
      const running = await runningProcesses(folder);
      return running.length > 0 ? running : undefined;
    });
    await expectInterrupted(tour, folder);
    for (const build of builds) expect(await isRunning(build)).toBe(false);
  },
  TIMEOUT_MS,
);

test("`npm start` with an option that it has not exits with 2 and shows those that it has", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/start.ts"), "--onec"], {
    encoding: "utf8",
  });
  expect(stderr).toMatch(/^Unknown option '--onec'.*\n\nnpm start -- \[--once/);
  expect(status).toBe(2);
});
