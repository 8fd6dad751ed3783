// Backup and restore of a state folder: whole or not at all, for its owner alone, and nothing that does not go together.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { openKeys, openStateFolder, type StateFolder } from "../../scripts/compose/state-folder.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { lockState } from "../../shared/adapters/local/state-lock.ts";
import { applyMove } from "../../shared/domain/traffic-moves.ts";
import { EMPTY_TRAFFIC } from "../../shared/domain/traffic.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import { batchOf } from "../support/facts.ts";
import { createVirtualClock } from "../support/clock.ts";
import { temporaryFolder } from "../support/folder.ts";
import { ROOT } from "../support/source-files.ts";
import { callCli } from "./call-cli.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const moved = (epoch: number): Draft<"traffic.moved"> => ({
  type: "traffic.moved",
  data: {
    epoch,
    kind: "advance",
    moveCause: `m${epoch}`,
    reason: "test",
    from: {},
    to: {},
    movedAt: "2026-01-02T03:04:05.000Z",
  },
});
const applied: Draft<"apply.finished"> = {
  type: "apply.finished",
  data: {
    apply: "a",
    plan: "p",
    build: "b",
    mergeCommit: "c",
    counts: { create: 1, update: 0, replace: 0, delete: 0, read: 0 },
    outputs: [],
    stateSerial: 3,
    durationMs: 1,
  },
};

/** A state folder with a little of everything, and its open ledger. */
async function someState() {
  const state = await openStateFolder(join(temporaryFolder(), "state"));
  await openKeys(state);
  const stored = openLedger(state);
  onTestFinished(() => stored.db.close());
  const traffic = await createTraffic({ directory: state.path("traffic") });
  let document = EMPTY_TRAFFIC;
  for (const id of ["1", "2"]) {
    document = applyMove(ENDPOINT, document, {
      kind: id === "1" ? "first" : "advance",
      to: { [`teams/default/models/ranker/versions/${id}`]: 100 },
      cause: `test/${id}`,
      actor: "services/rollout",
      reason: "a test",
      time: "2026-01-02T03:04:05.000Z",
    });
    const written = await traffic.write(ENDPOINT, document);
    if (written.kind === "written") ({ document } = written);
  }
  await stored.ledger.append(batchOf(ENDPOINT, 0, "one", [moved(1), moved(2)]));
  await stored.ledger.append(batchOf("stacks/web", 0, "two", [applied]));
  mkdirSync(state.path("terraform", "web"));
  writeFileSync(state.path("terraform", "web", "terraform.tfstate"), '{"serial":3}');
  writeFileSync(state.path("artifacts", "run.sh"), "#!/bin/sh\n");
  chmodSync(state.path("artifacts", "run.sh"), 0o755);
  mkdirSync(state.path("builds", "apply-1"));
  writeFileSync(
    state.path("builds", "apply-1", "fence.json"),
    JSON.stringify({ process: { pid: process.pid, started: "x" }, startedAt: "t" }),
  );
  writeFileSync(state.path("token"), "a token", { mode: 0o644 });
  const backups = temporaryFolder();
  return { state, ...stored, traffic, backups, to: join(backups, "one") };
}

const backup = ({ root }: StateFolder, to: string) => callCli(["--state", root, "backup", to]);
const restore = (from: string, to: string) => callCli(["--state", to, "restore", from]);

test("a backup beside an open ledger restores to the same bytes, for their owner alone", async () => {
  const { state, to, ledger, backups } = await someState();
  const { code, out } = await backup(state, to);
  expect([code, out]).toEqual([0, expect.stringContaining("3 facts") as string]);
  await ledger.append(batchOf(ENDPOINT, 2, "later", [moved(3)]));
  const target = join(backups, "restored");
  expect((await restore(to, target)).code).toBe(0);
  for (const path of [
    "secrets/plan-key",
    "terraform/web/terraform.tfstate",
    "traffic/default.ranker.json",
    "artifacts/run.sh",
    "token",
  ])
    expect(readFileSync(join(target, path)), path).toEqual(readFileSync(state.path(path)));
  const mode = (...path: readonly string[]) => statSync(join(...path)).mode & 0o777;
  for (const folder of [to, target]) {
    expect([
      mode(folder),
      mode(folder, "token"),
      mode(folder, "ledger.db"),
      mode(folder, "artifacts/run.sh"),
    ]).toEqual([0o700, 0o600, 0o600, 0o700]);
  }
  expect(existsSync(join(target, "lock"))).toBe(false);
  const db = openLedger({ root: target, path: (...parts) => join(target, ...parts) });
  onTestFinished(() => db.db.close());
  expect((await db.ledger.read(ENDPOINT)).version).toBe(2);
});

test("what was running then is nobody's process after a restore", async () => {
  const { state, to, backups } = await someState();
  await backup(state, to);
  const target = join(backups, "restored");
  const { out } = await restore(to, target);
  expect(out).toContain("apply-1 was on its way then and counts as interrupted.");
  const fence = JSON.parse(readFileSync(join(target, "builds/apply-1/fence.json"), "utf8")) as {
    process: { pid: number };
  };
  expect(fence.process.pid).toBe(0);
});

test.each([
  [
    "a file that was changed",
    (to: string) => writeFileSync(join(to, "token"), "another"),
    /token is not what was backed up/,
  ],
  ["a file that was added", (to: string) => writeFileSync(join(to, "extra"), ""), /extra has been added/],
  ["a symlink", (to: string) => symlinkSync("/etc/passwd", join(to, "link")), /is a symlink/],
  [
    "a newer version",
    (to: string) => rewrite(to, (text) => text.replace('"version": 1', '"version": 2')),
    /newer Signalbox/,
  ],
  [
    "a path that leads out",
    (to: string) => rewrite(to, (text) => text.replace('"path": "token"', '"path": "../token"')),
    /which no backup holds/,
  ],
  ["no manifest of ours", (to: string) => rewrite(to, () => "{}"), /no backup of Signalbox/],
])("a backup with %s is refused, and nothing is written", async (_, harm, said) => {
  const { state, to, backups } = await someState();
  await backup(state, to);
  harm(to);
  const { code, err } = await restore(to, join(backups, "restored"));
  expect(code).toBe(1);
  expect(err).toMatch(said);
  expect(readdirSync(backups)).toEqual(["one"]);
});

function rewrite(to: string, change: (text: string) => string): void {
  const path = join(to, "manifest.json");
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

test("a traffic document or a state that is older than the ledger is no backup", async () => {
  const { state, to, ledger, backups } = await someState();
  await ledger.append(batchOf(ENDPOINT, 2, "ahead", [moved(3)]));
  writeFileSync(state.path("terraform", "web", "terraform.tfstate"), '{"serial":2}');
  const { code, err } = await backup(state, to);
  expect(code).toBe(1);
  expect(err).toContain(`the traffic document of ${ENDPOINT} has epoch 2 and the ledger knows 3`);
  expect(err).toContain("the state of stacks/web has serial 2 and the ledger knows 3");
  expect(readdirSync(backups)).toEqual([]);
});

test("a restore never touches a folder that is held or has anything in it", async () => {
  const { state, to, backups } = await someState();
  await backup(state, to);
  expect((await restore(to, state.root)).err).toMatch(/is not empty/);
  const held = join(backups, "held");
  mkdirSync(held);
  const lock = await lockState(held, createVirtualClock());
  onTestFinished(() => lock.release());
  expect((await restore(to, held)).err).toMatch(/is held by process/);
});

test("a backup goes to a new place outside of the state folder", async () => {
  const { state, to, backups } = await someState();
  expect((await backup(state, state.path("inside"))).code).toBe(2);
  writeFileSync(to, "");
  expect((await backup(state, to)).err).toMatch(/exists/);
  expect((await backup({ ...state, root: backups }, join(backups, "..", "x"))).code).toBe(3);
});

test("without --state it is the folder that the other commands find, the demo's as well", async () => {
  const folder = temporaryFolder();
  const state = await openStateFolder(join(folder, ".signalbox", "demo"));
  await openKeys(state);
  openLedger(state).db.close();
  const program = join(ROOT, "cli/signalbox.ts");
  const { stdout, stderr } = spawnSync(process.execPath, [program, "backup", join(folder, "kept")], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^Backed up \.signalbox\/demo to /);
});
