// The control plane is killed without a warning, in the middle of everything, and started again on the same state folder.
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isRunning, signalProcess } from "../../shared/adapters/local/process-identity.ts";
import type { Answer } from "../support/caller.ts";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
  versionName,
} from "../support/demo-platform.ts";
import {
  ALLOW_LOCAL_EXEC,
  appliesUntil,
  createGate,
  type Gate,
  plainTerraform,
  STACK,
  UNATTENDED_STACK,
} from "../support/gated-stack.ts";
import { type InstallationProcess, startInstallationProcess } from "../support/installation-process.ts";
import { newStateFolder } from "../support/installation.ts";
import { buildProcesses, endLeftovers, serverProcesses } from "../support/leftovers.ts";
import { type LiveRequest, startLiveRequests } from "../support/live-requests.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 90_000;
const REQUESTS_PER_SECOND = 60;
const SITE = "stacks/site/main.tf";

/** An installation that can be killed and started again. */
interface Mortal {
  readonly state: string;
  /** The process that runs now. */
  now(): InstallationProcess;
  /** Starts it again on the same folder, with the same gateway port. */
  again(): Promise<void>;
}

async function startMortal(): Promise<Mortal> {
  const state = newStateFolder();
  let current = await startInstallationProcess({ state });
  const gatewayPort = Number(new URL(current.gatewayUrl).port);
  onTestFinished(async () => {
    await current.kill();
    await endLeftovers(state);
    rmSync(state, { recursive: true, force: true });
  });
  return {
    state,
    now: () => current,
    async again() {
      current = await startInstallationProcess({ state, gatewayPort });
    },
  };
}

function createPlatform(
  mortal: Mortal,
  configuration: string,
  files?: Readonly<Record<string, string>>,
): Promise<DemoPlatform> {
  const { state, now } = mortal;
  const api = {
    call: (...args: Parameters<InstallationProcess["api"]["call"]>) => now().api.call(...args),
    find: (path: string) => now().api.find(path),
    list: (path: string) => now().api.list(path),
    post: (...args: Parameters<InstallationProcess["api"]["post"]>) => now().api.post(...args),
    awaits: (...args: Parameters<InstallationProcess["api"]["awaits"]>) => now().api.awaits(...args),
  };
  return createDemoPlatform(
    { state, api, url: () => now().url, webhookSecret: now().webhookSecret },
    configuration,
    files,
  );
}

const PROVISIONING = configurationText({ stacks: UNATTENDED_STACK, allow: ALLOW_LOCAL_EXEC });

const builds = (state: string, kind: "plan" | "apply"): readonly string[] =>
  readdirSync(join(state, "builds")).filter((name) => name.startsWith(`${kind}-`));

/** Waits until Terraform of a build of this kind runs. */
function terraformRuns(state: string, kind: "plan" | "apply"): Promise<string> {
  return until(`terraform of a ${kind} runs`, () =>
    builds(state, kind).find((name) => existsSync(join(state, "builds", name, "terraform.json"))),
  );
}

const states = (resources: readonly Answer[]): readonly unknown[] => resources.map(({ state }) => state);

/** Waits until so many applies are finished. */
const applied = (mortal: Mortal, count: number): Promise<readonly Answer[]> =>
  appliesUntil(
    `${count} applies are finished`,
    () => mortal.now().api,
    (applies) => states(applies).filter((state) => state === "FINISHED").length === count,
  );

/** Waits until the provisioner of the gated resource has begun. */
const begun = (mortal: Mortal, gate: Gate): Promise<readonly Answer[]> =>
  appliesUntil(
    "the provisioner has begun",
    () => mortal.now().api,
    () => gate.passed().begun > 0,
  );

/** A change that nobody waits for: it is applied, so no lock is left. */
async function expectFree(mortal: Mortal, platform: DemoPlatform, finished: number): Promise<void> {
  await platform.push({ [SITE]: plainTerraform(`after ${finished}`) }, "Change it once more");
  await applied(mortal, finished + 1);
}

describe.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}kill -9 during provisioning`, () => {
  test(
    "a delivery that was answered is worked on, and a plan under way is made once",
    async () => {
      const mortal = await startMortal();
      const { state } = mortal;
      const platform = await createPlatform(mortal, PROVISIONING, { [SITE]: plainTerraform("first") });
      const opened = await platform.openPullRequest(1, { [SITE]: plainTerraform("second") });
      await mortal.now().kill();
      await mortal.again();
      const build = await terraformRuns(state, "plan");
      await mortal.now().kill();
      await mortal.again();
      const plans = await until("the plan is made", async () => {
        const found = await mortal.now().api.list(`/v1/${STACK}/plans`);
        return found.some((plan) => plan["state"] !== "REQUESTED" && plan["state"] !== "PLANNING")
          ? found
          : undefined;
      });
      expect(plans).toMatchObject([{ state: "READY", headCommit: opened.headSha, counts: { create: 1 } }]);
      expect(builds(state, "plan")).toEqual([build]);
      const deliveries = await mortal.now().api.list("/v1/deliveries");
      expect(deliveries).toHaveLength(2);
      await expectFree(mortal, platform, 0);
    },
    TIMEOUT_MS,
  );

  test(
    "an apply under way goes on, is not started twice, and leaves no lock",
    async () => {
      const mortal = await startMortal();
      const { state } = mortal;
      mkdirSync(join(state, "gate"));
      const gate = createGate(join(state, "gate"));
      const platform = await createPlatform(mortal, PROVISIONING, { [SITE]: plainTerraform("first") });
      await platform.push({ [SITE]: gate.terraform }, "Add something slow");
      await begun(mortal, gate);
      const [build = ""] = builds(state, "apply");
      const [program] = await buildProcesses(state, build);
      await mortal.now().kill();
      await mortal.again();
      expect(await isRunning(program ?? { pid: 0, started: "" })).toBe(true);
      expect(await mortal.now().api.find(`/v1/${STACK}`)).toMatchObject({ state: "APPLYING" });
      gate.open();
      const applies = await applied(mortal, 1);
      expect(states(applies)).toEqual(["FINISHED"]);
      expect(gate.passed()).toEqual({ begun: 1, done: 1 });
      expect(builds(state, "apply")).toEqual([build]);
      await expectFree(mortal, platform, 1);
    },
    TIMEOUT_MS,
  );

  test(
    "an apply killed inside its provisioner blocks the stack until someone has looked",
    async () => {
      const mortal = await startMortal();
      const { state } = mortal;
      mkdirSync(join(state, "gate"));
      const gate = createGate(join(state, "gate"));
      const platform = await createPlatform(mortal, PROVISIONING, { [SITE]: plainTerraform("first") });
      await platform.push({ [SITE]: gate.terraform }, "Add something slow");
      await begun(mortal, gate);
      const [build = ""] = builds(state, "apply");
      const processes = await buildProcesses(state, build);
      expect(processes).toHaveLength(2);
      await mortal.now().kill();
      for (const identity of processes) await signalProcess(identity, "SIGKILL", "group");
      await mortal.again();
      const { api } = mortal.now();
      await api.awaits("the stack is blocked", `/v1/${STACK}`, (each) => each["state"] === "BLOCKED");
      expect(await api.list(`/v1/${STACK}/applies`)).toMatchObject([
        { state: "INTERRUPTED", resources: ["terraform_data.slow"], failure: { reason: "INTERRUPTED" } },
      ]);
      gate.open();
      await platform.push(
        { [SITE]: gate.terraform + plainTerraform("beside it") },
        "Merge while it is blocked",
      );
      await until(
        "the next merge waits",
        async () => states(await api.list(`/v1/${STACK}/applies`)).includes("WAITING") || undefined,
      );
      expect(builds(state, "apply")).toEqual([build]);
      const refused = await api.call("POST", `/v1/${STACK}:unblock`, {
        as: "ada",
        body: { reason: "I looked" },
      });
      expect(refused).toMatchObject({ status: 403, answer: { error: { status: "PERMISSION_DENIED" } } });
      await api.post(`/v1/${STACK}:unblock`, { reason: "nothing was left behind" }, "grace");
      await applied(mortal, 1);
      expect(gate.passed()).toEqual({ begun: 2, done: 1 });
      expect(builds(state, "apply")).toHaveLength(2);
    },
    TIMEOUT_MS,
  );
});

const canaryHasHalf = (endpoint: Answer): boolean =>
  (endpoint["weights"] as Readonly<Record<string, number>>)[versionName("2")] === 50;

/** A gateway's own answer while it had nobody to ask; never an answer of a server that is gone. */
const isOwn503 = ({ status, reason }: LiveRequest): boolean => status === 503 && reason !== "";

describe("kill -9 in the middle of a canary", () => {
  test.each([
    { died: "the control plane alone", alsoServer: false },
    { died: "the control plane and the canary's model server", alsoServer: true },
  ])(
    "$died: it comes to an end, and nobody was sent to a dead version",
    async ({ alsoServer }) => {
      const mortal = await startMortal();
      const platform = await createPlatform(mortal, configurationText({ minSeconds: 2 }));
      const { gatewayUrl } = mortal.now();
      await platform.register("1");
      await mortal.now().api.awaits("version 1 serves", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 1);
      const requests = startLiveRequests(gatewayUrl, "ranker", REQUESTS_PER_SECOND);
      onTestFinished(() => requests.stop());
      await until(
        "version 1 is good",
        async () => (await platform.rolloutOf("1"))?.["state"] === "PROMOTED" || undefined,
      );
      await platform.register("2");
      await mortal.now().api.awaits("version 2 has half", `/v1/${ENDPOINT}`, canaryHasHalf);
      const before = await serverProcesses(mortal.state);
      expect(before.size).toBe(2);
      requests.forget();
      const killedMs = performance.now();
      await mortal.now().kill();
      const canary = [...before].find(([backend]) => backend.includes("-2"))?.[1];
      if (canary === undefined)
        throw new Error(`No backend of version 2 among ${[...before.keys()].join(", ")}`);
      if (alsoServer) await signalProcess(canary, "SIGKILL", "process");
      await mortal.again();
      const upMs = performance.now();

      const ended = await until("the rollout ends", async () => {
        const rollout = await platform.rolloutOf("2");
        return ["PROMOTED", "ROLLED_BACK"].includes(String(rollout?.["state"])) ? rollout : undefined;
      });
      const after = await serverProcesses(mortal.state);
      if (alsoServer) expect(after.size).toBe(2);
      else {
        expect(after).toEqual(before);
        expect(ended?.["state"]).toBe("PROMOTED");
      }
      const wrong = requests.answered.filter(
        (request) =>
          !(request.status >= 200 && request.status < 300) &&
          !isOwn503(request) &&
          // While the process was gone, so was its gateway: nobody answered.
          !(request.status === 0 && request.begunMs < upMs),
      );
      expect(wrong).toEqual([]);
      expect(requests.answered.some(({ status, begunMs }) => status === 200 && begunMs > upMs)).toBe(true);
      expect(killedMs).toBeLessThan(upMs);
    },
    TIMEOUT_MS,
  );
});
