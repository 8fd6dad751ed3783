// The program that rebuilds read models, as a job of Google Cloud runs it: a process on Firestore's emulator, and on a state folder.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMPILED_CODE } from "../../scripts/compose/compiled-code.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { ALL_VIEWS } from "../../scripts/compose/rebuild-views.ts";
import { openStateFolder } from "../../scripts/compose/state-folder.ts";
import { createLedger } from "../../shared/adapters/google/ledger.ts";
import { createViews } from "../../shared/adapters/google/views.ts";
import { temporaryFolder } from "../support/folder.ts";
import { withFirestore } from "../support/google/firestore-fixture.ts";
import { readSource, ROOT, sourceFiles } from "../support/source-files.ts";
import { askForRun, RUN } from "../support/unapplied-run.ts";

/** One run of the program, on a busy machine. */
const START_MS = 60_000;

function rebuild(environment: Readonly<Record<string, string>>, ...views: readonly string[]) {
  const program = join(ROOT, "scripts", "rebuild-views.ts");
  const env = { PATH: process.env["PATH"] ?? "", ...COMPILED_CODE, ...environment };
  const args = ["--disable-warning=ExperimentalWarning", program, ...views];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env,
    encoding: "utf8",
    timeout: START_MS,
  });
  const lines = stdout.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  return {
    status,
    output: `${stdout}${stderr}`,
    rebuilt: lines.filter(({ message }) => message === "rebuilt"),
  };
}

test("it knows every view that a service keeps", () => {
  const kept = sourceFiles(".ts")
    .filter((path) => path.startsWith("services/"))
    .flatMap((path) => readSource(path).match(/: Projection = \{\s*name: "[^"]+"/g) ?? [])
    .map((text) => /"([^"]+)"/.exec(text)?.[1]);
  expect(kept.length).toBeGreaterThan(5);
  expect(ALL_VIEWS.map(({ name }) => name).sort()).toEqual(kept.sort());
});

test("without its settings it says all that it lacks; a view that is none is told with those that are", () => {
  const bare = rebuild({ SIGNALBOX_WORLD: "google-cloud" });
  expect(bare.status).not.toBe(0);
  for (const name of ["SIGNALBOX_STATE", "GOOGLE_CLOUD_PROJECT", "SIGNALBOX_DATABASE"])
    expect(bare.output).toContain(`${name} is missing`);
  const unknown = rebuild({}, "runs", "everything");
  expect([unknown.status, unknown.output]).toEqual([
    64,
    expect.stringMatching(/^everything: no view.*serving/),
  ]);
});

test("it rebuilds the views of a state folder", { timeout: START_MS }, async () => {
  const state = await openStateFolder(temporaryFolder());
  const { db, ledger, views } = openLedger(state);
  await askForRun(ledger);
  const { status, rebuilt, output } = rebuild({ SIGNALBOX_STATE: state.root });
  expect(status, output).toBe(0);
  expect(rebuilt.map(({ projection }) => projection)).toEqual(ALL_VIEWS.map(({ name }) => name));
  expect(await views.get("runs", RUN)).toMatchObject({ name: RUN });
  db.close();
});

withFirestore((fresh, emulator) => {
  describe("on Firestore", () => {
    test(
      "it applies what was missed of the view that it is asked for, and does nothing the second time",
      async () => {
        const { store, project } = fresh();
        const [ledger, views] = [createLedger(store), createViews(store)];
        await askForRun(ledger);
        const settings = {
          SIGNALBOX_WORLD: "google-cloud",
          SIGNALBOX_STATE: temporaryFolder(),
          GOOGLE_CLOUD_PROJECT: project,
          SIGNALBOX_DATABASE: "(default)",
          SIGNALBOX_FACTS_TOPIC: "facts",
          FIRESTORE_EMULATOR_HOST: emulator().host,
          PUBSUB_EMULATOR_HOST: "127.0.0.1:9",
          METADATA_SERVER_DETECTION: "none",
        };
        const first = rebuild(settings, "runs");
        expect(first.status, first.output).toBe(0);
        expect(first.rebuilt).toMatchObject([{ projection: "runs", facts: 1, caughtUp: 1, replaced: 0 }]);
        expect(await views.get("runs", RUN)).toMatchObject({ name: RUN });
        expect(rebuild(settings, "runs").rebuilt).toMatchObject([{ caughtUp: 0, replaced: 0 }]);
      },
      2 * START_MS,
    );
  });
});
