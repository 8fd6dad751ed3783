// How long from the delivery of a merge until the build that applies it is created, on Google's emulators with services as processes?
// node scripts/launch.mjs bench/build-created.bench.ts
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulatedPlane } from "../scripts/emulated/plane.ts";
import { createCaller } from "../test/support/caller.ts";
import { configurationText, createDemoPlatform } from "../test/support/demo-platform.ts";
import { plainTerraform, STACK, UNATTENDED_STACK } from "../test/support/gated-stack.ts";
import { PEOPLE } from "../test/support/people.ts";
import { until } from "../test/support/until.ts";
import { tell } from "./best-of.ts";
import { figuresOf, ms } from "./figures.ts";

const MERGES = Number(process.argv[2] ?? 10);
const STEP_MS = 240_000;

process.env["METADATA_SERVER_DETECTION"] ??= "none";
const folder = mkdtempSync(join(tmpdir(), "signalbox-build-created-"));
const plane = await startEmulatedPlane(folder, PEOPLE);
const { state, keys, tokens } = plane;
const api = createCaller(() => plane.url, tokens);

/** When each build was created: its folder is made with it. */
function buildsSince(sentMs: number): readonly number[] {
  const builds = state.path("builds");
  return readdirSync(builds)
    .map((name) => statSync(join(builds, name)).birthtimeMs)
    .filter((time) => time > sentMs)
    .toSorted((one, other) => one - other);
}

/** Waits until so many of the stack's plans or applies have this state. */
const reach = (kind: "plans" | "applies", wanted: string, count: number) =>
  until(
    `${count} ${kind} to be ${wanted}`,
    async () => {
      const all = await api.list(`/v1/${STACK}/${kind}`);
      return all.filter((one) => one["state"] === wanted).length >= count ? true : undefined;
    },
    STEP_MS,
  );

try {
  const platform = await createDemoPlatform(
    { state: state.root, api, url: () => plane.url, webhookSecret: keys.webhookSecret },
    configurationText({ stacks: UNATTENDED_STACK }),
    { "stacks/site/main.tf": plainTerraform("first") },
  );
  const times: number[] = [];
  for (let merge = 1; merge <= MERGES; merge += 1) {
    const change = { "stacks/site/main.tf": plainTerraform(`number ${merge}`) };
    const opened = await platform.openPullRequest(merge, change);
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
    let sentMs = 0;
    await platform.merge(opened, () => {
      sentMs = Date.now();
    });
    // By its folder: asking the API meanwhile would be asking the same two cores and the same emulator.
    const created = await until("the apply's build", async () => buildsSince(sentMs)[0], STEP_MS);
    times.push(created - sentMs);
    await reach("applies", "FINISHED", merge);
  }
  const { p50, p99 } = figuresOf(times);
  tell(`merged delivery → build created on the emulators, ${MERGES} merges, p50`, ms(p50), "≤ 150 ms");
  tell("slowest", ms(p99));
} finally {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
}
