// The relay as a process of its own, beside a service that listens in another.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { COMPILED_CODE } from "../../scripts/compose/compiled-code.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { onFacts, serveFunction } from "../../shared/runtime/on-facts.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createLogBook } from "../support/world.ts";

const MAIN = fileURLToPath(new URL("../../services/relay/main.ts", import.meta.url));
const TOKEN = "a token of a test, long enough to be one";
const FAR = "2999-01-01T00:00:00.000Z";

function relayProcess(environment: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN], {
    env: { PATH: process.env["PATH"] ?? "", ...COMPILED_CODE, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => (output += text.toString()));
  return { child, output: () => output };
}

test("publishes facts and timers of a state folder to a service that listens, and stops when asked", async () => {
  const folder = temporaryFolder();
  const db = openDatabase(join(folder, "ledger.db"));
  onTestFinished(() => db.close());
  const seen: string[] = [];
  const service = {
    name: "listening",
    inputs: ["plan.started", "timer.due"] as const,
    handle: async ({ type, subject }: { type: string; subject: string }) =>
      void seen.push(`${subject} ${type}`),
  };
  onFacts(service, { deadLetters: createDeadLetters(db), clock, log: createLogBook() });
  const server = serveFunction("listening", TOKEN).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const ledger = createLedger(db);
  const outbox = createOutbox(db);
  await ledger.append({
    ...batchOf("stacks/a", 0, "c", [planStarted("b")]),
    due: [{ name: "look", time: "2026-01-01T00:00:00Z" }],
  });

  const { child, output } = relayProcess({
    SIGNALBOX_STATE: folder,
    SIGNALBOX_PUSH_TOKEN: TOKEN,
    SIGNALBOX_SUBSCRIBERS: `listening=http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  });
  await vi.waitUntil(() => seen.length === 2, { timeout: 20_000, interval: 50 });
  expect(seen.toSorted()).toEqual(["stacks/a plan.started", "stacks/a timer.due"]);
  await vi.waitUntil(
    async () => (await outbox.pending(FAR, 1)).length + (await outbox.timersDue(FAR, 1)).length === 0,
    {
      timeout: 20_000,
      interval: 50,
    },
  );
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(output()).toContain("relay stopped");
  expect(output()).not.toContain(TOKEN);
});

test("says everything that is missing from its configuration and ends", async () => {
  const { child, output } = relayProcess({});
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(1);
  for (const name of ["SIGNALBOX_STATE", "SIGNALBOX_PUSH_TOKEN", "SIGNALBOX_SUBSCRIBERS"])
    expect(output()).toContain(`${name} is missing`);
});
