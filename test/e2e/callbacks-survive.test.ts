// A process that runs executions is killed without a warning while they wait for callbacks, and another takes them up.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { as } from "../services/door.ts";

const TIMEOUT_MS = 60_000;
const PATIENCE_MS = 20_000;
const EXECUTIONS = "/v1/projects/p/locations/l/workflows/asks/executions";

interface Callback {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly waiters: string;
}

/** A process with executions on this database; resolves when it answers. */
async function start(database: string) {
  const child = spawn(process.execPath, ["test/support/executions-process.ts", database], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  const { value: url = "" } = (await createInterface(child.stdout)[Symbol.asyncIterator]().next()) as {
    value?: string;
  };
  const call = (path: string, init: { method?: string; body?: string } = {}) =>
    fetch(path.startsWith("http") ? path : `${url}${path}`, {
      ...init,
      headers: {
        ...as("engineer"),
        ...(init.body === undefined ? {} : { "content-type": "application/json" }),
      },
    });
  const get = async <Answer>(path: string): Promise<Answer> => (await (await call(path)).json()) as Answer;
  const callbacks = async (name: string): Promise<readonly Callback[]> =>
    (await get<{ callbacks: readonly Callback[] }>(`/v1/${name}/callbacks`)).callbacks;
  return { url, kill, call, get, callbacks };
}

describe("an execution that waits for callbacks when its process is killed", () => {
  test(
    "waits on in the next process, at its new address, and has not lost what was taken",
    async () => {
      const database = join(temporaryFolder(), "executions.db");
      const before = await start(database);
      const { name } = (await (await before.call(EXECUTIONS, { method: "POST", body: "{}" })).json()) as {
        name: string;
      };
      await expect.poll(() => before.callbacks(name), { timeout: PATIENCE_MS }).toHaveLength(1);
      const [first] = await before.callbacks(name);
      expect(first).toMatchObject({ method: "PUT", waiters: "1" });
      const taken = await before.call(first?.url ?? "", { method: "PUT", body: '{"answer": 1}' });
      expect([taken.status, await taken.text()]).toEqual([200, ""]);
      await before.kill();

      const after = await start(database);
      await expect.poll(() => after.callbacks(name), { timeout: PATIENCE_MS }).toHaveLength(1);
      const [second] = await after.callbacks(name);
      expect(second).toMatchObject({ name: first?.name, waiters: "1" });
      expect(second?.url.startsWith(`${after.url}/`)).toBe(true);
      expect((await after.call(second?.url ?? "", { method: "PUT", body: '{"answer": 2}' })).status).toBe(
        200,
      );
      await expect
        .poll(() => after.get(`/v1/${name}`), { timeout: PATIENCE_MS })
        .toMatchObject({ state: "SUCCEEDED", result: '[{"answer":1},{"answer":2}]' });
      expect((await after.call(second?.url ?? "", { method: "PUT", body: "3" })).status).toBe(404);
    },
    TIMEOUT_MS,
  );
});
