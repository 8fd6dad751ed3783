// A stranger's page in the browser of somebody who is signed in, and whoever gets hold of what a browser keeps.
import { createServer } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import { attacked, expectUnharmed, type RawHeaders, VICTIM } from "./attacked.ts";

const door = attacked();
const { at, as, send, post, port } = door;
let cookie: readonly [string, string];
let code: string;

const cookieOf = (value: string | readonly string[] | undefined): string => String(value).split(";")[0] ?? "";

beforeAll(async () => {
  const made = JSON.parse((await send("POST", "/v1/sessions", [as("grace")])).text) as { code: string };
  ({ code } = made);
  const { headers } = await send("GET", `/session?code=${encodeURIComponent(code)}`);
  cookie = ["cookie", cookieOf(headers["set-cookie"])];
});

describe("row 51: a page under another name for this machine (DNS rebinding)", () => {
  test.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost.",
    "[::ffff:7f00:1]",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "",
  ])("of the host %j is served nothing, with a cookie, a token or a signature", async (name) => {
    const host = ["host", name === "" ? "" : `${name}:${port()}`] as const;
    const asks: readonly (readonly [string, string, RawHeaders])[] = [
      ["GET", "/", [host, cookie]],
      ["GET", "/v1/stacks", [host, as("admin")]],
      ["GET", "/metrics", [host, cookie]],
      ["GET", `/session?code=${encodeURIComponent(code)}`, [host]],
      ["GET", "/healthz", [host]],
      ["POST", "/webhooks/github", [host, ["content-type", "application/json"]]],
      ["POST", `/v1/${VICTIM}:rollback`, [host, as("ada")]],
      ["GET", "/no/such/path", [host]],
    ];
    for (const [method, path, headers] of asks)
      expect([400, 421]).toContain((await send(method, path, headers)).status);
  });
});

describe("a stranger's page", () => {
  test("is given no leave to read or to write", async () => {
    const origin = ["origin", "https://evil.example"] as const;
    for (const headers of [[origin, cookie], [origin, as("admin")], [origin]]) {
      const answer = await send("GET", "/v1/stacks", headers);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      expect(answer.headers["cross-origin-resource-policy"]).toBe("same-origin");
    }
    const preflight = await send("OPTIONS", `/v1/${VICTIM}:rollback`, [
      origin,
      ["access-control-request-method", "POST"],
      ["access-control-request-headers", "authorization"],
    ]);
    expect(preflight.status).toBe(405);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });

  test("changes nothing with the cookie of somebody who may, in any form that needs no leave", async () => {
    const before = await door.facts();
    for (const path of [`/v1/${VICTIM}:rollback`, `/v1/${VICTIM}:resume`, "/v1/events", "/v1/sessions"])
      for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) {
        const answer = await send("POST", path, [cookie, ["content-type", type]], '{"reason":"x"}');
        expect([path, answer.status]).toEqual([path, 401]);
      }
    expect(await door.facts()).toBe(before);
  });

  test("cannot frame the page, nor bring a script into it", async () => {
    const { headers, status } = await send("GET", "/", [cookie]);
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers["content-security-policy"]).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
  });
});

describe("what a browser keeps", () => {
  test("a code opens once, for nobody else, and is in no log", async () => {
    expect((await send("GET", `/session?code=${encodeURIComponent(code)}`)).status).toBe(401);
    for (const bad of ["", "x", `${code}A`, code.slice(0, -1), `${code}.x`, "a".repeat(900)])
      expect([400, 401]).toContain((await send("GET", `/session?code=${encodeURIComponent(bad)}`)).status);
    expect(at().log()).not.toContain(code);
  });

  test("a cookie is for this site alone, hidden from scripts, and of no use as a token or a code", async () => {
    const made = JSON.parse((await send("POST", "/v1/sessions", [as("ada")])).text) as { code: string };
    const { headers } = await send("GET", `/session?code=${encodeURIComponent(made.code)}`);
    expect(String(headers["set-cookie"])).toMatch(/; Path=\/; HttpOnly; SameSite=Strict/);
    expect(headers["location"]).toBe("/");
    const value = cookieOf(headers["set-cookie"]).split("=")[1] ?? "";
    expect((await send("GET", "/v1/stacks", [["authorization", `Bearer ${value}`]])).status).toBe(401);
    expect((await send("GET", `/session?code=${encodeURIComponent(value)}`)).status).toBe(401);
    expect(
      (await send("GET", "/v1/stacks", [["cookie", cookieOf(headers["set-cookie"]).slice(0, -1)]])).status,
    ).toBe(401);
  });

  test("a code is not a session, and a session of one installation none of another", async () => {
    const made = JSON.parse((await send("POST", "/v1/sessions", [as("ada")])).text) as { code: string };
    expect((await send("GET", "/", [["cookie", `signalbox_session_${port()}=${made.code}`]])).status).toBe(
      401,
    );
    expect(
      (
        await send("GET", "/", [
          ["cookie", `signalbox_session_${port() + 1}=${cookie[1].split("=")[1] ?? ""}`],
        ])
      ).status,
    ).toBe(401);
  });

  test("the address that opens the page names this door, whatever Host says", async () => {
    const answer = await send("POST", "/v1/sessions", [
      as("ada"),
      ["x-forwarded-host", "evil.example"],
      ["forwarded", "host=evil.example"],
    ]);
    expect(new URL((JSON.parse(answer.text) as { url: string }).url).hostname).toMatch(
      /^(127\.0\.0\.1|localhost)$/,
    );
  });
});

describe("row 51: an address in a request makes nobody call it", () => {
  const asked: string[] = [];
  const inside = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end("inside");
  });
  let base = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => inside.listen(0, "127.0.0.1", resolve));
    const address = inside.address();
    base = `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    return () => void inside.close();
  });

  test("not as an artifact: the version is rejected", async () => {
    const uris = [
      `http://${base}/model`,
      `http://localhost:${base.split(":")[1] ?? ""}/model`,
      "http://169.254.169.254/latest/meta-data/",
      "http://metadata.google.internal./computeMetadata/v1/",
      "http://[::ffff:a9fe:a9fe]/",
      "http://0x7f.1/",
      "http://2130706433/",
      "gopher://127.0.0.1:25/x",
      "file:///etc/passwd",
      "file:///proc/self/environ",
      `file://${base}/etc/passwd`,
      "data:text/plain,x",
      "gs://another-tenants-bucket/model",
    ];
    for (const [index, uri] of uris.entries()) {
      const body = { version: `v${index}`, artifact: { uri, digest: `sha256:${"0".repeat(64)}` } };
      const { status } = await post("/v1/teams/default/models/bait/versions", JSON.stringify(body), "ada");
      if (status >= 400) continue;
      const name = `/v1/teams/default/models/bait/versions/v${index}`;
      const rejected = await at().api.awaits(
        "the version is rejected",
        name,
        ({ state }) => state === "REJECTED",
      );
      expect(JSON.stringify(rejected)).not.toContain("root:");
    }
    expect(asked).toEqual([]);
  });

  test("not as the argument of a workflow: executions call this control plane and nobody else", async () => {
    const workflows = "/v1/projects/signalbox/locations/local/workflows";
    for (const api of [`http://${base}`, `http://${base}/#`, `http://api.signalbox.internal@${base}`]) {
      const argument = JSON.stringify({
        api,
        rollout: `${VICTIM}/rollouts/r1`,
        run: "teams/default/runs/r1",
      });
      for (const workflow of ["canary", "data-run"]) {
        const made = await post(`${workflows}/${workflow}/executions`, JSON.stringify({ argument }), "ada");
        expect([workflow, made.status]).toEqual([workflow, 200]);
        const { name } = JSON.parse(made.text) as { name: string };
        await at().api.awaits("the execution has failed", `/v1/${name}`, ({ state }) => state === "FAILED");
      }
    }
    expect(asked).toEqual([]);
    await expectUnharmed(door);
  });

  test("not as an input or output of a run", async () => {
    for (const uri of [`http://${base}/out`, "file:///etc", "file:///proc/self"]) {
      const body = JSON.stringify({ entrypoint: "x", inputs: [], outputUri: uri });
      expect((await post("/v1/teams/default/runs?runId=bait", body, "ada")).status).toBe(400);
    }
    expect(asked).toEqual([]);
  });
});
