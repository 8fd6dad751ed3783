// Whoever knocks at the composed door without being who they say: every refusal says which field is wrong and what helps.
import { createHmac, randomUUID } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pushDelivery } from "../../scripts/tour/github-delivery.ts";
import { createDemoPlatform, type DemoPlatform, ENDPOINT, REPOSITORY } from "../support/demo-platform.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { until } from "../support/until.ts";

const SETUP_MS = 60_000;

let installation: TestInstallation;
let platform: DemoPlatform;
let body: string;

beforeAll(async () => {
  installation = await startTestInstallation();
  const { state, api, url, keys } = installation;
  platform = await createDemoPlatform({
    state: state.root,
    api,
    url: () => url,
    webhookSecret: keys.webhookSecret,
  });
  const head = await platform.clone.git("rev-parse", "HEAD");
  body = JSON.stringify(pushDelivery(REPOSITORY, head, head, "ada").payload);
}, SETUP_MS);

afterAll(() => installation?.close());

const signed = (text: string, secret = installation.keys.webhookSecret): string =>
  `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`;

interface Knock {
  readonly signatures: readonly string[];
  readonly guid?: string;
  readonly text?: string;
}

interface Refusal {
  readonly status: number;
  readonly answer: {
    readonly name?: string;
    readonly duplicate?: boolean;
    readonly error?: { readonly code: number; readonly status: string; readonly message: string };
  };
}

/** Posts a delivery with raw headers, so that one may be there twice. */
function knock({ signatures, guid = randomUUID(), text = body }: Knock): Promise<Refusal> {
  const { port } = new URL(installation.url);
  return new Promise((resolve, reject) => {
    const headers = [
      ["host", `127.0.0.1:${port}`],
      ["content-type", "application/json"],
      ["content-length", String(Buffer.byteLength(text))],
      ["x-github-event", "push"],
      ["x-github-delivery", guid],
      ...signatures.map((signature) => ["x-hub-signature-256", signature]),
    ].flat();
    const call = request({ host: "127.0.0.1", port, path: "/webhooks/github", method: "POST", headers });
    call.once("error", reject);
    call.once("response", (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, answer: JSON.parse(answer) }));
    });
    call.end(text);
  });
}

const factCount = async (): Promise<number> =>
  (await installation.adapters.ledger.list({ limit: 1_000, order: "oldest-first" })).facts.length;

describe("a delivery", () => {
  test.each([
    { what: "without a signature", signatures: () => [] },
    { what: "with a forged signature", signatures: () => [signed(body, "guessed")] },
    { what: "with the signature of another body", signatures: () => [signed(`${body} `)] },
    {
      what: "with two signatures, one of them right",
      signatures: () => [signed(body), signed(body, "guessed")],
    },
    { what: "with the right signature twice", signatures: () => [signed(body), signed(body)] },
    { what: "with a truncated signature", signatures: () => [signed(body).slice(0, -1)] },
    { what: "with a SHA-1 signature", signatures: () => [`sha1=${"0".repeat(40)}`] },
  ])("$what is refused, and leaves nothing behind", async ({ signatures }) => {
    const guid = randomUUID();
    const before = await factCount();
    const { status, answer } = await knock({ signatures: signatures(), guid });
    expect({ status, error: answer.error }).toMatchObject({
      status: 401,
      error: { code: 401, status: "UNAUTHENTICATED", message: expect.stringMatching(/signature.*secret/is) },
    });
    expect(await factCount()).toBe(before);
    expect(await installation.api.call("GET", `/v1/deliveries/${guid}`)).toMatchObject({ status: 404 });
  });

  test("replayed under its id and under a new one is known, and has no new effect", async () => {
    const guid = randomUUID();
    const first = await knock({ signatures: [signed(body)], guid });
    expect(first).toMatchObject({ status: 202, answer: { name: `deliveries/${guid}`, duplicate: false } });
    await until(
      "the delivery is worked on",
      async () => (await installation.adapters.ledger.read(`deliveries/${guid}`)).version > 0 || undefined,
    );
    await until("everything is published", async () => {
      await installation.adapters.pump.idle();
      const pending = await installation.adapters.outbox.pending(new Date().toISOString(), 10);
      return pending.length === 0 ? true : undefined;
    });
    const before = await factCount();
    for (const id of [guid, randomUUID()]) {
      expect(await knock({ signatures: [signed(body)], guid: id })).toMatchObject({
        status: 202,
        answer: { name: `deliveries/${guid}`, duplicate: true },
      });
    }
    await installation.adapters.pump.idle();
    expect(await factCount()).toBe(before);
  });

  test("with a body over the limit is refused before it is read", async () => {
    const text = `{"padding":"${"x".repeat(30_000_000)}"}`;
    const answered = await knock({ signatures: [signed(text)], text }).catch((error: unknown) =>
      String(error),
    );
    // The connection may be cut while the body is still being sent; then there is nobody to tell.
    if (typeof answered === "string") expect(answered).toMatch(/EPIPE|ECONNRESET/);
    else {
      expect(answered.status).toBe(413);
      expect(answered.answer.error?.message).toMatch(/\d/);
    }
    expect(await installation.api.call("GET", "/healthz")).toMatchObject({ status: 200 });
  });
});

describe("a request to the API", () => {
  test.each([
    { path: () => `/v1/${ENDPOINT}:rollback`, json: '{"reason":"x","__proto__":{"role":"admin"}}' },
    { path: () => "/v1/events", json: '{"specversion":"1.0","data":{"__proto__":{"x":1}}}' },
    { path: () => `/v1/${ENDPOINT}:resume`, json: '{"reason":"x","constructor":{"prototype":{"x":1}}}' },
  ])("with a key of prototypes in $json is refused", async ({ path, json }) => {
    const response = await fetch(`${installation.url}${path()}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${installation.tokens.get("grace") ?? ""}`,
        "content-type": "application/json",
      },
      body: json,
    });
    const { error } = (await response.json()) as {
      error: { code: number; status: string; message: string; details: readonly object[] };
    };
    expect(error).toMatchObject({ code: 400, status: "INVALID_ARGUMENT" });
    expect(error.message).toMatch(/__proto__|constructor/);
    expect(JSON.stringify(error.details)).toMatch(/ErrorInfo/);
    expect(Object.hasOwn(Object.prototype, "x") || Object.hasOwn(Object.prototype, "role")).toBe(false);
  });

  test.each([
    { who: "nobody", authorization: undefined, status: 401 },
    { who: "a wrong token", authorization: "Bearer guessed", status: 401 },
    { who: "an unsigned workflow token", authorization: "Bearer e30.e30.e30", status: 401 },
  ])("by $who is refused with what helps", async ({ authorization, status }) => {
    const response = await fetch(`${installation.url}/v1/stacks`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: { status: string; message: string } };
    expect(error.status).toBe("UNAUTHENTICATED");
    expect(error.message).toMatch(/token/i);
  });

  test("with an oversized body is refused, and the door stays open", async () => {
    const answered = await installation.api.call("POST", `/v1/${ENDPOINT}:rollback`, {
      as: "ada",
      body: { reason: "x".repeat(2_000_000) },
    });
    expect(answered).toMatchObject({
      status: 413,
      answer: { error: { message: expect.stringMatching(/larger .*send less/) } },
    });
    expect(await installation.api.call("GET", "/healthz")).toMatchObject({ status: 200 });
  });
});
