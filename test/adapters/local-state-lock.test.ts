// One process per state folder: whoever comes second hears who holds it; whoever is killed holds nothing.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { lockState, readStateHolder } from "../../shared/adapters/local/state-lock.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { temporaryFolder } from "../support/folder.ts";

const HOLDER = `
  const { lockState } = await import(process.argv[1]);
  const { systemClock } = await import(process.argv[2]);
  try {
    const lock = await lockState(process.argv[3], systemClock);
    await lock.setUrl("http://127.0.0.1:7420");
    console.log("held");
    setInterval(() => undefined, 1000);
  } catch (error) {
    console.log(error.reason);
  }
`;

const url = (path: string): string => new URL(`../../shared/adapters/${path}`, import.meta.url).href;

/** Another process that tries to hold the folder, and the first line that it says. */
async function rival(folder: string): Promise<{ readonly child: ChildProcess; readonly says: string }> {
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", HOLDER, "--"];
  const child = spawn(
    process.execPath,
    [...args, url("local/state-lock.ts"), url("system/clock.ts"), folder],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const [says] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, says };
}

test("a second start says which process holds the folder, since when and where it answers", async () => {
  const folder = temporaryFolder();
  const { child, says } = await rival(folder);
  expect(says).toBe("held");
  await expect(lockState(folder, systemClock)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "STATE_HELD",
    metadata: { folder, pid: String(child.pid), url: "http://127.0.0.1:7420" },
    message: expect.stringMatching(/process \d+ since 20.*http:\/\/127\.0\.0\.1:7420.*--state/),
  });
});

test("a killed holder leaves the folder free", async () => {
  const folder = temporaryFolder();
  const { child } = await rival(folder);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await readStateHolder(folder)).toBeUndefined();
  const lock = await lockState(folder, systemClock);
  expect((await readStateHolder(folder))?.pid).toBe(process.pid);
  await lock.release();
});

test("of four processes that start at once exactly one holds the folder", async () => {
  const folder = temporaryFolder();
  const said = await Promise.all(Array.from({ length: 4 }, async () => (await rival(folder)).says));
  expect(said.toSorted()).toEqual(["STATE_HELD", "STATE_HELD", "STATE_HELD", "held"]);
});

test("a released folder can be held again, also by the same process", async () => {
  const folder = temporaryFolder();
  const first = await lockState(folder, systemClock);
  await expect(lockState(folder, systemClock)).rejects.toMatchObject({ reason: "STATE_HELD" });
  await first.release();
  await first.release();
  const second = await lockState(folder, systemClock);
  await second.setUrl("http://127.0.0.1:1");
  expect(JSON.parse(readFileSync(join(folder, "lock"), "utf8"))).toEqual(second.holder);
  await second.release();
  expect(await readStateHolder(folder)).toBeUndefined();
});

test("a lock file of nobody names nobody and stops nobody", async () => {
  const folder = temporaryFolder();
  for (const text of ["", "{}", "null", '{"pid":1,"started":"never","since":"then"}']) {
    writeFileSync(join(folder, "lock"), text);
    expect(await readStateHolder(folder)).toBeUndefined();
  }
  await (await lockState(folder, systemClock)).release();
});

test("a folder that is not there is named with a remedy", async () => {
  const folder = join(temporaryFolder(), "none");
  await expect(lockState(folder, systemClock)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining(folder),
  });
});
