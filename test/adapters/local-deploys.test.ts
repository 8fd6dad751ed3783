import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LocalDeploys } from "../../shared/adapters/local/deploys.ts";
import { LOG_BYTES_MAX } from "../../shared/adapters/local/deploys-process.ts";
import { isRunning } from "../../shared/adapters/local/process-identity.ts";
import type { ReleaseRequest } from "../../shared/ports/deploys.ts";
import { deploysContract } from "../contracts/deploys.ts";
import { until } from "../support/gateway-fixture.ts";
import {
  backendProcess,
  createModelServers,
  deploysTrial,
  killBackend,
  type ModelServers,
  storedBackend,
} from "../support/model-servers.ts";

deploysContract("the process adapter", async () => {
  const servers = await createModelServers();
  const deploys = servers.deploys({ limits: { readyTimeoutMs: 1_500 } });
  await deploys.start();
  return deploysTrial(servers, deploys);
});

describe("model servers on this machine", () => {
  let servers: ModelServers;
  let deploys: LocalDeploys;
  let request: ReleaseRequest;

  const state = async (of: LocalDeploys = deploys) => (await of.status(request.backend, 1_000)).state;
  const serving = (of: LocalDeploys = deploys) =>
    until("readiness", async () => (await state(of)) === "ready");

  beforeEach(async () => {
    servers = await createModelServers();
    deploys = servers.deploys();
    await deploys.start();
    request = await servers.request(1, { weights: { rating: 1 }, startupMs: 30 });
  });
  afterEach(() => servers.dispose());

  it("get their version, artifact and port, and nothing else of our environment", async () => {
    const folder = servers.folder;
    await writeFile(
      join(folder, "environment.mjs"),
      `import { createServer } from "node:http";
       createServer((_request, response) => response.end(JSON.stringify(process.env))).listen(Number(process.env.PORT), "127.0.0.1");`,
    );
    vi.stubEnv("SIGNALBOX_TEST_SECRET", "do not pass on");
    const local = { command: ["node", join(folder, "environment.mjs")], readiness: "/" };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await serving();
    const environment = (await (await fetch(deploys.address(request.backend).origin ?? "")).json()) as Record<
      string,
      string
    >;
    expect(environment).toMatchObject({
      MODEL_VERSION: request.modelVersion,
      ARTIFACT: join(folder, "model-1.json"),
    });
    const allowed = ["PATH", "PORT", "MODEL_VERSION", "ARTIFACT", "PWD", "OLDPWD", "SHLVL", "_"];
    expect(Object.keys(environment).filter((name) => !allowed.includes(name))).toEqual([]);
  });

  it("take their command as it is written, not as a shell would read it", async () => {
    const local = {
      command: [
        "node",
        "-e",
        "require('node:fs').writeFileSync(process.argv[1], process.argv[2])",
        join(servers.folder, "said"),
        '$(id); `id` && "x" *',
      ],
      readiness: "/",
    };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await until("the command to run", async () => (await readdir(servers.folder)).includes("said"));
    await until(
      "its words",
      async () => (await readFile(join(servers.folder, "said"), "utf8")) === '$(id); `id` && "x" *',
    );
  });

  it("are unready at once when they die, and given up after too many restarts", async () => {
    await deploys.prepare(request);
    await serving();
    await writeFile(join(servers.folder, "model-1.json"), "{ broken");
    await killBackend(servers, request.backend);
    await until("unready", () => deploys.address(request.backend).state !== "ready");
    await until("given up", async () => (await state()) === "failed");
    expect((await deploys.status(request.backend, 100)).message).toMatch(/digest/);
    expect((await storedBackend(servers, request.backend)).wanted).toBe("failed");
    const next = servers.deploys();
    await next.start();
    expect(await state(next)).toBe("failed");
  });

  it("that end again and again are given up with the end of their log", async () => {
    const local = { command: ["node", "-e", "console.log('no GPU here'); process.exit(3)"], readiness: "/" };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await until("given up", async () => (await state()) === "failed");
    expect((await deploys.status(request.backend, 100)).message).toMatch(/no GPU here/);
    expect((await storedBackend(servers, request.backend)).launch?.number).toBe(3);
  });

  it("that hang are unready, and silence within the time limit is unknown", async () => {
    await deploys.prepare(request);
    await serving();
    const { pid } = await backendProcess(servers, request.backend);
    process.kill(pid, "SIGSTOP");
    expect(await deploys.status(request.backend, 50)).toMatchObject({ state: "unknown" });
    await until("unready", () => deploys.address(request.backend).state === "unready");
    process.kill(pid, "SIGCONT");
    await until("ready again", () => deploys.address(request.backend).state === "ready");
  });

  it("are retired only after they have drained, and then end", async () => {
    let drained = false;
    const careful = servers.deploys({ drained: () => Promise.resolve(drained) });
    await careful.prepare(request);
    await until("readiness", () => careful.address(request.backend).state === "ready");
    const running = await backendProcess(servers, request.backend);
    await expect(careful.retire(request.backend)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "NOT_DRAINED",
    });
    expect(await isRunning(running)).toBe(true);
    drained = true;
    await careful.retire(request.backend);
    expect(await isRunning(running)).toBe(false);
    expect(careful.address(request.backend)).toEqual({ state: "cold" });
  });

  it("write to a log that does not grow for ever", async () => {
    const chatter = `const http = require("node:http");
      http.createServer((q, r) => { console.log("x".repeat(300000)); r.end(); }).listen(Number(process.env.PORT), "127.0.0.1");`;
    const local = { command: ["node", "-e", chatter], readiness: "/" };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await serving();
    const log = join(servers.folder, "backends", `${request.backend}.log`);
    const size = async (file: string) => (await stat(file).catch(() => ({ size: 0 }))).size;
    await until("the log to be turned over", async () => (await size(`${log}.1`)) > LOG_BYTES_MAX);
    await until("the new log to be written", async () => (await size(log)) > 0);
    expect(await size(log)).toBeLessThan(2 * LOG_BYTES_MAX);
  });
});
