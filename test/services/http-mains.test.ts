// The HTTP services as processes of their own, over one state folder.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { COMPILED_CODE } from "../../scripts/compose/compiled-code.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { backendName } from "../../shared/domain/backend.ts";
import type { TrafficDocument } from "../../shared/domain/traffic.ts";
import { formatPrincipals } from "../../shared/runtime/principals-file.ts";
import { makeIssuerKey } from "../../shared/runtime/tokens.ts";
import { as, ENTRIES } from "./door.ts";
import { deliveryHeaders, pushBody, SECRET } from "./github-delivery.ts";
import { ROOT } from "../support/source-files.ts";

const START_LIMIT_MS = 20_000;
const ENDPOINT = "teams/default/endpoints/ranker";
const version = (n: number): string => `teams/default/models/ranker/versions/${n}`;

/** Version 2 serves alone and version 1 was good before it. */
const SERVING: TrafficDocument = {
  schema: 1,
  resourceVersion: 0,
  weights: { [backendName(ENDPOINT, version(2))]: 100 },
  traffic: {
    epoch: 2,
    moves: [
      {
        epoch: 2,
        cause: "b",
        kind: "advance",
        actor: "services/rollout",
        reason: "promoted",
        from: { [version(1)]: 100 },
        to: { [version(2)]: 100 },
        time: "2026-01-02T03:05:00.000Z",
      },
      {
        epoch: 1,
        cause: "a",
        kind: "first",
        actor: "services/rollout",
        reason: "first",
        from: {},
        to: { [version(1)]: 100 },
        time: "2026-01-02T03:04:00.000Z",
      },
    ],
    good: [2, 1].map((n) => ({
      version: version(n),
      backend: backendName(ENDPOINT, version(n)),
      state: "warm",
      since: "2026-01-02T03:04:00.000Z",
    })),
    hold: null,
  },
};

/** A state folder as the first start makes it. */
async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "signalbox-mains-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "secrets"), { mode: 0o700 });
  const secret = (name: string, text: string) =>
    writeFile(join(folder, "secrets", name), text, { mode: 0o600 });
  await secret("issuer-key", JSON.stringify(await makeIssuerKey()));
  await secret("page-key", Buffer.alloc(32, 5).toString("base64url"));
  await secret("github-webhook", SECRET.current);
  await writeFile(join(folder, "principals.json"), formatPrincipals(ENTRIES), { mode: 0o600 });
  const traffic = await createTraffic({ directory: join(folder, "traffic") });
  await traffic.write(ENDPOINT, SERVING);
  return folder;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => (child.exitCode === null ? child.once("exit", resolve) : resolve(child.exitCode)));

/** Starts a service's main.ts; answers its URL and a way to end it. */
async function start(service: string, state: string) {
  const child = spawn(process.execPath, [join(ROOT, "services", service, "main.ts")], {
    env: { PATH: process.env["PATH"] ?? "", ...COMPILED_CODE, SIGNALBOX_STATE: state, PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null) child.kill("SIGTERM");
    return ended(child);
  };
  onTestFinished(async () => void (await stop()));
  const url = () => /"(?:url|address)":"(http:[^"]+)".*started/.exec(output)?.[1];
  await expect
    .poll(() => url() ?? (child.exitCode === null ? undefined : output), { timeout: START_LIMIT_MS })
    .toBeDefined();
  return { url: url() ?? `no URL: ${output}`, stop, output: () => output };
}

test("webhook, console and API run alone on one state folder, and end on SIGTERM", async () => {
  const state = await stateFolder();
  const webhook = await start("webhook", state);
  const body = JSON.stringify(pushBody());
  const { host: _, ...headers } = deliveryHeaders("push", body);
  expect((await fetch(`${webhook.url}/webhooks/github`, { method: "POST", body, headers })).status).toBe(202);
  const api = await start("api", state);
  const deliveries = async () =>
    (
      (await (await fetch(`${api.url}/v1/deliveries`, { headers: as("viewer") })).json()) as {
        deliveries: { state: string }[];
      }
    ).deliveries;
  await expect.poll(async () => (await deliveries())[0]?.state).toBe("ACCEPTED");
  const { code } = (await (
    await fetch(`${api.url}/v1/sessions`, { method: "POST", headers: as("viewer") })
  ).json()) as { code: string };
  const page = await start("console", state);
  const opened = await fetch(`${page.url}/session?code=${code}`, { redirect: "manual" });
  expect(opened.status).toBe(303);
  const cookie = opened.headers.get("set-cookie")?.split(";")[0] ?? "";
  const shown = await fetch(page.url, { headers: { cookie } });
  expect(await shown.text()).toMatch(/ranker 2 <b>100 %<\/b>[^]*delivery\.received/);
  for (const service of [webhook, api, page]) expect(await service.stop()).toBe(0);
  const db = openDatabase(join(state, "ledger.db"));
  const { facts } = await createLedger(db).list({ limit: 10, order: "oldest-first" });
  db.close();
  expect(facts.map(({ type }) => type)).toEqual(["delivery.received"]);
}, 60_000);

test("the API starts with an unreadable ledger and takes traffic back", async () => {
  const state = await stateFolder();
  await writeFile(join(state, "ledger.db"), "this is no database ".repeat(1_000));
  const api = await start("api", state);
  const stacks = await fetch(`${api.url}/v1/stacks`, { headers: as("viewer") });
  expect([stacks.status, await stacks.text()]).toEqual([503, expect.stringContaining("DATABASE_DAMAGED")]);
  const rollback = await fetch(`${api.url}/v1/${ENDPOINT}:rollback`, {
    method: "POST",
    headers: { ...as("operator"), "content-type": "application/json" },
    body: JSON.stringify({ reason: "errors", from: version(2) }),
  });
  expect([rollback.status, await rollback.json()]).toEqual([
    200,
    expect.objectContaining({ from: version(2), to: version(1), epoch: 3 }),
  ]);
  const document = await (await createTraffic({ directory: join(state, "traffic") })).read(ENDPOINT);
  expect(document).toMatchObject({
    weights: { [backendName(ENDPOINT, version(1))]: 100 },
    traffic: { hold: { actor: "grace" } },
  });
}, 60_000);
