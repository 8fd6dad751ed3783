import { spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LocalDeploys } from "../../shared/adapters/local/deploys.ts";
import { isRunning, type ProcessIdentity } from "../../shared/adapters/local/process-identity.ts";
import type { ReleaseRequest } from "../../shared/ports/deploys.ts";
import { deploysContract } from "../contracts/deploys.ts";
import { until } from "../support/gateway-fixture.ts";
import { createModelServers, type ModelServers } from "../support/model-servers.ts";

interface Stored {
  readonly wanted: string;
  readonly launch: {
    readonly number: number;
    readonly port: number;
    readonly process: ProcessIdentity | null;
  } | null;
}

const recordFile = (servers: ModelServers, backend: string) =>
  join(servers.folder, "backends", `${backend}.json`);

async function stored(servers: ModelServers, backend: string): Promise<Stored> {
  return JSON.parse(await readFile(recordFile(servers, backend), "utf8")) as Stored;
}

async function processOf(servers: ModelServers, backend: string): Promise<ProcessIdentity> {
  const { launch } = await stored(servers, backend);
  if (launch?.process === null || launch === null) throw new Error("no process is recorded");
  return launch.process;
}

const kill = async (servers: ModelServers, backend: string): Promise<void> => {
  process.kill((await processOf(servers, backend)).pid, "SIGKILL");
};

deploysContract("the process adapter", async () => {
  const servers = await createModelServers();
  const deploys = servers.deploys({ limits: { readyTimeoutMs: 1_500 } });
  await deploys.start();
  let made = 0;
  return {
    deploys,
    async request(kind) {
      made += 1;
      const request = await servers.request(made, { neverReady: kind === "never-ready" });
      return kind === "wrong-digest"
        ? { ...request, artifact: { ...request.artifact, digest: `sha256:${"0".repeat(64)}` } }
        : request;
    },
    starts: async (backend) => (await stored(servers, backend)).launch?.number ?? 0,
    kill: (backend) => kill(servers, backend),
    dispose: () => servers.dispose(),
  };
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
    process.env["SIGNALBOX_TEST_SECRET"] = "do not pass on";
    const local = { command: ["node", join(folder, "environment.mjs")], readiness: "/" };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await serving();
    const environment = (await (await fetch(deploys.address(request.backend).origin ?? "")).json()) as Record<
      string,
      string
    >;
    delete process.env["SIGNALBOX_TEST_SECRET"];
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

  it("are adopted by the next process of ours, which starts nothing", async () => {
    await deploys.prepare(request);
    await serving();
    const before = await processOf(servers, request.backend);
    await deploys.close("leave");
    expect(await isRunning(before)).toBe(true);
    const next = servers.deploys();
    await next.start();
    expect(next.address(request.backend)).toMatchObject({ state: "ready" });
    expect(await processOf(servers, request.backend)).toEqual(before);
    await kill(servers, request.backend);
    await until(
      "the adopted server to be started again",
      async () => (await stored(servers, request.backend)).launch?.number === 2,
    );
    await serving(next);
  });

  it("are started again when they died while nobody looked", async () => {
    await deploys.prepare(request);
    await serving();
    await deploys.close("leave");
    await kill(servers, request.backend);
    const next = servers.deploys();
    await next.start();
    expect(["preparing", "unready"]).toContain(next.address(request.backend).state);
    await serving(next);
    expect((await stored(servers, request.backend)).launch?.number).toBe(2);
  });

  it("are found by their claim when we were killed before we wrote down who they are", async () => {
    await deploys.prepare(request);
    await serving();
    const before = await processOf(servers, request.backend);
    await deploys.close("leave");
    const record = JSON.parse(await readFile(recordFile(servers, request.backend), "utf8")) as {
      launch: object;
    };
    await writeFile(
      recordFile(servers, request.backend),
      JSON.stringify({ ...record, launch: { ...record.launch, process: null } }),
    );
    const next = servers.deploys();
    await next.start();
    expect(next.address(request.backend)).toMatchObject({ state: "ready" });
    expect(await processOf(servers, request.backend)).toEqual(before);
  });

  it("do not start late, once a restart of ours has taken their claim", async () => {
    await deploys.prepare(request);
    await serving();
    await deploys.retire(request.backend);
    const record = JSON.parse(await readFile(recordFile(servers, request.backend), "utf8")) as {
      launch: { number: number };
    };
    const launch = { ...record.launch, number: 7, process: null };
    await writeFile(
      recordFile(servers, request.backend),
      JSON.stringify({ ...record, wanted: "running", launch }),
    );
    const next = servers.deploys();
    await next.start();
    await serving(next);
    expect((await stored(servers, request.backend)).launch?.number).toBe(8);
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
    const record = JSON.parse(await readFile(recordFile(servers, request.backend), "utf8")) as {
      launch: object;
    };
    const foreign = { pid: stranger.pid, started: "another boot:1" };
    await writeFile(
      recordFile(servers, request.backend),
      JSON.stringify({ ...record, launch: { ...record.launch, process: foreign } }),
    );
    const next = servers.deploys();
    await next.start();
    await serving(next);
    await next.retire(request.backend);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill("SIGKILL");
  });

  it("are unready at once when they die, and given up after too many restarts", async () => {
    await deploys.prepare(request);
    await serving();
    await writeFile(join(servers.folder, "model-1.json"), "{ broken");
    await kill(servers, request.backend);
    await until("unready", () => deploys.address(request.backend).state !== "ready");
    await until("given up", async () => (await state()) === "failed");
    expect((await deploys.status(request.backend, 100)).message).toMatch(/digest/);
    expect((await stored(servers, request.backend)).wanted).toBe("failed");
    const next = servers.deploys();
    await next.start();
    expect(await state(next)).toBe("failed");
  });

  it("that end again and again are given up with the end of their log", async () => {
    const local = { command: ["node", "-e", "console.log('no GPU here'); process.exit(3)"], readiness: "/" };
    await deploys.prepare({ ...request, serving: { ...request.serving, local } });
    await until("given up", async () => (await state()) === "failed");
    expect((await deploys.status(request.backend, 100)).message).toMatch(/no GPU here/);
    expect((await stored(servers, request.backend)).launch?.number).toBe(3);
  });

  it("that hang are unready, and silence within the time limit is unknown", async () => {
    await deploys.prepare(request);
    await serving();
    const { pid } = await processOf(servers, request.backend);
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
    const running = await processOf(servers, request.backend);
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
    const running = await processOf(servers, request.backend);
    await deploys.close("leave");
    const record = JSON.parse(await readFile(recordFile(servers, request.backend), "utf8")) as object;
    await writeFile(recordFile(servers, request.backend), JSON.stringify({ ...record, wanted: "cold" }));
    const next = servers.deploys({ limits: { stopGraceMs: 100 } });
    await next.start();
    expect(await isRunning(running)).toBe(false);
    expect(await state(next)).toBe("cold");
  });

  it("are ended with us when we are asked to, and started again by the next start", async () => {
    await deploys.prepare(request);
    await serving();
    const running = await processOf(servers, request.backend);
    await deploys.close("end");
    expect(await isRunning(running)).toBe(false);
    const next = servers.deploys();
    await next.start();
    await serving(next);
  });

  it("are not started over a damaged record", async () => {
    await deploys.prepare(request);
    await serving();
    const text = await readFile(recordFile(servers, request.backend), "utf8");
    await writeFile(recordFile(servers, request.backend), text.slice(0, 40));
    const next = servers.deploys();
    await expect(next.start()).rejects.toMatchObject({ code: "INTERNAL", reason: "BACKEND_RECORD_CORRUPT" });
    await writeFile(recordFile(servers, request.backend), text);
  });
});
