import { spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LocalDeploys } from "../../shared/adapters/local/deploys.ts";
import { isRunning } from "../../shared/adapters/local/process-identity.ts";
import type { ReleaseRequest } from "../../shared/ports/deploys.ts";
import { until } from "../support/gateway-fixture.ts";
import {
  backendProcess,
  createModelServers,
  forgeBackend,
  killBackend,
  storedBackend,
  type ModelServers,
} from "../support/model-servers.ts";

describe("model servers over a restart of ours", () => {
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

  it("are adopted by the next process of ours, which starts nothing", async () => {
    await deploys.prepare(request);
    await serving();
    const before = await backendProcess(servers, request.backend);
    await deploys.close("leave");
    expect(await isRunning(before)).toBe(true);
    const next = servers.deploys();
    await next.start();
    expect(next.address(request.backend)).toMatchObject({ state: "ready" });
    expect(await backendProcess(servers, request.backend)).toEqual(before);
    await killBackend(servers, request.backend);
    await until(
      "the adopted server to be started again",
      async () => (await storedBackend(servers, request.backend)).launch?.number === 2,
    );
    await serving(next);
  });

  it("are started again when they died while nobody looked", async () => {
    await deploys.prepare(request);
    await serving();
    await deploys.close("leave");
    await killBackend(servers, request.backend);
    const next = servers.deploys();
    await next.start();
    expect(["preparing", "unready"]).toContain(next.address(request.backend).state);
    await serving(next);
    expect((await storedBackend(servers, request.backend)).launch?.number).toBe(2);
  });

  it("are found by their claim when we were killed before we wrote down who they are", async () => {
    await deploys.prepare(request);
    await serving();
    const before = await backendProcess(servers, request.backend);
    await deploys.close("leave");
    await forgeBackend(servers, request.backend, { launch: { process: null } });
    const next = servers.deploys();
    await next.start();
    expect(next.address(request.backend)).toMatchObject({ state: "ready" });
    expect(await backendProcess(servers, request.backend)).toEqual(before);
  });

  it("do not start late, once a restart of ours has taken their claim", async () => {
    await deploys.prepare(request);
    await serving();
    await deploys.retire(request.backend);
    await forgeBackend(servers, request.backend, { wanted: "running", launch: { number: 7, process: null } });
    const next = servers.deploys();
    await next.start();
    await serving(next);
    expect((await storedBackend(servers, request.backend)).launch?.number).toBe(8);
    const claims = (await readdir(join(servers.folder, "backends"))).filter((file) =>
      file.endsWith(".claim"),
    );
    expect(claims).toEqual([`${request.backend}.1.claim`, `${request.backend}.8.claim`]);
  });

  it("never harm a stranger who has the recorded pid", async () => {
    const stranger = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    await deploys.prepare(request);
    await serving();
    await deploys.close("end");
    const foreign = { pid: stranger.pid, started: "another boot:1" };
    await forgeBackend(servers, request.backend, { launch: { process: foreign } });
    const next = servers.deploys();
    await next.start();
    await serving(next);
    await next.retire(request.backend);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill("SIGKILL");
  });

  it("that do not listen to SIGTERM are killed, and a retirement that was cut short is finished by the next start", async () => {
    const local = {
      command: [
        "node",
        "-e",
        "process.on('SIGTERM', () => {}); require('node:http').createServer((q, r) => r.end()).listen(Number(process.env.PORT), '127.0.0.1')",
      ],
      readiness: "/",
    };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await serving();
    const running = await backendProcess(servers, request.backend);
    await deploys.close("leave");
    await forgeBackend(servers, request.backend, { wanted: "cold" });
    const next = servers.deploys({ limits: { stopGraceMs: 100 } });
    await next.start();
    expect(await isRunning(running)).toBe(false);
    expect(await state(next)).toBe("cold");
  });

  it("are ended with us when we are asked to, and started again by the next start", async () => {
    await deploys.prepare(request);
    await serving();
    const running = await backendProcess(servers, request.backend);
    await deploys.close("end");
    expect(await isRunning(running)).toBe(false);
    const next = servers.deploys();
    await next.start();
    await serving(next);
  });

  it("are not started over a damaged record", async () => {
    await deploys.prepare(request);
    await serving();
    const path = join(servers.folder, "backends", `${request.backend}.json`);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.slice(0, 40));
    const next = servers.deploys();
    await expect(next.start()).rejects.toMatchObject({ code: "INTERNAL", reason: "BACKEND_RECORD_CORRUPT" });
    await writeFile(path, text);
  });
});
