// How long from the delivery of a merge until the build that applies it runs? Real Git, real Terraform plans, one control plane.
// node scripts/launch.mjs bench/apply-started.bench.ts
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD_FILES, type BuildFence, buildFolder } from "../shared/adapters/local/builds-folder.ts";
import { configurationText, createDemoPlatform } from "../test/support/demo-platform.ts";
import { plainTerraform, STACK, UNATTENDED_STACK } from "../test/support/gated-stack.ts";
import { startTestInstallation } from "../test/support/installation.ts";
import { until } from "../test/support/until.ts";
import { tell } from "./best-of.ts";
import { tellDurableWrites } from "./durable-write.ts";
import { figuresOf, ms } from "./figures.ts";

const MERGES = 20;
const STEP_MS = 120_000;

/** Unit of the start times that the system tells (proc(5), sysconf _SC_CLK_TCK): what is measured is right to 10 ms. */
const TICKS_PER_SECOND = 100;

/** When the process that has the fence of this build was started, in milliseconds of the clock of `Date.now`. */
function processStartedMs(folder: string): number {
  const { process: owner } = JSON.parse(readFileSync(join(folder, BUILD_FILES.fence), "utf8")) as BuildFence;
  const ticks = Number(/([0-9]+)$/.exec(owner.started)?.[1]);
  const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000;
  return Date.now() - uptimeMs + (ticks / TICKS_PER_SECOND) * 1_000;
}

let applyHasFence: (build: string) => void = () => {};
const installation = await startTestInstallation({
  wrap: (adapters) => ({
    ...adapters,
    builds: {
      ...adapters.builds,
      async start(id, spec) {
        const started = await adapters.builds.start(id, spec);
        if (spec.kind === "apply") applyHasFence(id);
        return started;
      },
    },
  }),
});
const { state, api, url, keys } = installation;
const platform = await createDemoPlatform(
  { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
  configurationText({ stacks: UNATTENDED_STACK }),
  { "stacks/site/main.tf": plainTerraform("first") },
);

/** Waits until the newest of the stack's plans or applies is in this state. */
const newest = (kind: "plans" | "applies", count: number, wanted: string) =>
  until(
    `${kind} ${count} is ${wanted}`,
    async () => {
      const all = await api.list(`/v1/${STACK}/${kind}`);
      return all.filter((one) => one["state"] === wanted).length >= count ? true : undefined;
    },
    STEP_MS,
  );

const times: number[] = [];
for (let merge = 1; merge <= MERGES; merge += 1) {
  const opened = await platform.openPullRequest(merge, {
    "stacks/site/main.tf": plainTerraform(`number ${merge}`),
  });
  await until(
    "the pull request is planned",
    async () => {
      const plans = await api.list(`/v1/${STACK}/plans`);
      const mine = plans.find((plan) => plan["headCommit"] === opened.headSha);
      return mine !== undefined && !["REQUESTED", "PLANNING"].includes(String(mine["state"]))
        ? true
        : undefined;
    },
    STEP_MS,
  );
  let sent = 0;
  const started = new Promise<string>((resolve) => {
    applyHasFence = resolve;
  });
  await platform.merge(opened, () => {
    sent = Date.now();
  });
  times.push(processStartedMs(buildFolder(state.path("builds"), await started)) - sent);
  await newest("applies", merge, "FINISHED");
}
const { p50, p99 } = figuresOf(times);
tell(`merged delivery → apply process started, ${MERGES} merges, p50`, ms(p50), "≤ 50 ms");
tell("slowest", ms(p99));
await installation.close();
tellDurableWrites();
