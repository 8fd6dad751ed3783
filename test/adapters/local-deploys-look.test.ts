// A process that does not supervise model servers sees how they stand, in the folder that it shares with the one that does.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDeploysLook } from "../../shared/adapters/local/deploys-look.ts";
import type { LocalDeploys } from "../../shared/adapters/local/deploys.ts";
import { deploysContract } from "../contracts/deploys.ts";
import { until } from "../support/gateway-fixture.ts";
import {
  createModelServers,
  deploysTrial,
  forgeBackend,
  killBackend,
  type ModelServers,
  storedBackend,
} from "../support/model-servers.ts";

const TIMEOUT_MS = 1_000;

const lookAt = (servers: ModelServers) => createDeploysLook(join(servers.folder, "backends"));

deploysContract("the process adapter, looked at by another process", async () => {
  const servers = await createModelServers();
  const deploys = servers.deploys({ limits: { readyTimeoutMs: 1_500 } });
  await deploys.start();
  return deploysTrial(servers, { ...deploys, ...lookAt(servers) });
});

describe("a look at model servers that others supervise", () => {
  let servers: ModelServers;
  let deploys: LocalDeploys;
  let backend: string;

  const state = async (): Promise<string> => (await lookAt(servers).status(backend, TIMEOUT_MS)).state;

  beforeEach(async () => {
    servers = await createModelServers();
    deploys = servers.deploys();
    await deploys.start();
    const request = await servers.request(1, {});
    ({ backend } = request);
    await deploys.prepare(request);
    await until("readiness", async () => (await state()) === "ready");
  });
  afterEach(() => servers.dispose());

  it("still sees a server whose supervisor has gone", async () => {
    await deploys.close("leave");
    expect(await state()).toBe("ready");
    await killBackend(servers, backend);
    await until("its end", async () => (await state()) === "unready");
  });

  it("does not take another program for a server whose process has ended", async () => {
    await deploys.close("leave");
    const { launch } = await storedBackend(servers, backend);
    await forgeBackend(servers, backend, { launch: { process: { ...launch?.process, started: "earlier" } } });
    expect(await state()).toBe("unready");
  });

  it.each([
    ["nobody knows yet who it is", { process: null }],
    ["it does not listen yet", { port: 1 }],
  ])("calls a server preparing while %s", async (_when, launch) => {
    await deploys.close("leave");
    await forgeBackend(servers, backend, { launch });
    expect(await state()).toBe("preparing");
  });

  it("says which record is damaged, and what to do", async () => {
    await deploys.close("end");
    const file = join(servers.folder, "backends", `${backend}.json`);
    await writeFile(file, "{");
    await expect(state()).rejects.toMatchObject({
      reason: "BACKEND_RECORD_CORRUPT",
      metadata: { path: file },
    });
  });

  it("refuses what is no name of a backend", async () => {
    await expect(lookAt(servers).status("../secrets", TIMEOUT_MS)).rejects.toMatchObject({
      field: "backend",
    });
  });
});
