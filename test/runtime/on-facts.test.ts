// The push door: what is acknowledged, what is asked for again, what is turned away unread.
import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { HANDLER_TIME_MAX_MS } from "../../shared/runtime/deliver.ts";
import { drain } from "../../shared/runtime/drain.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { onFacts, PUSH_BYTES_MAX, serveFunction } from "../../shared/runtime/on-facts.ts";
import { factFrom, planStarted } from "../support/facts.ts";
import { createWorld } from "../support/world.ts";

const TOKEN = "a token of a test, long enough to be one";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };

/** A served service whose handling the test decides. */
async function door(
  handle: FactService["handle"] = async () => undefined,
  more: Partial<Pick<FactService, "reconcile" | "idle" | "schedules">> = {},
) {
  const world = createWorld({});
  const service: FactService = {
    name: "tested",
    inputs: ["plan.started"],
    handle,
    ...more,
  };
  onFacts(service, world);
  const server = serveFunction("tested", TOKEN).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await world.close();
  });
  const { port } = server.address() as AddressInfo;
  const post = async (
    body: string,
    headers: Record<string, string> = AUTHORIZED,
    path = "",
  ): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/${path}`, { method: "POST", headers, body })).status;
  return { ...world, server, port, post };
}

const body = pushBody(factFrom(planStarted("b")), "local/tested");
const push = (data: unknown): string =>
  JSON.stringify({
    message: { data: Buffer.from(typeof data === "string" ? data : JSON.stringify(data)).toString("base64") },
  });

describe("the push door", () => {
  test("answers 204 when the fact is handled", async () => {
    const seen: string[] = [];
    const { post } = await door(async ({ id }) => void seen.push(id));
    expect(await post(body)).toBe(204);
    expect(seen).toEqual([factFrom(planStarted("b")).id]);
  });

  test("answers 204 for a type that the service does not want, without handing it over", async () => {
    const { post } = await door(() => Promise.reject(new Error("not wanted")));
    expect(await post(pushBody(factFrom({ type: "stack.unblocked", data: { reason: "r" } }), "s"))).toBe(204);
  });

  test("answers 503 for a transient or an unknown error, and says nothing of it", async () => {
    for (const error of [
      new ControlPlaneError("UNAVAILABLE", "secret", { reason: "R" }),
      new TypeError("secret"),
    ]) {
      const { port } = await door(() => Promise.reject(error));
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        method: "POST",
        headers: AUTHORIZED,
        body,
      });
      expect(response.status).toBe(503);
      expect(await response.text()).toBe("");
    }
  });

  test("answers 204 for a permanent error and keeps the fact as a dead letter", async () => {
    const { post, deadLetters } = await door(() =>
      Promise.reject(new ControlPlaneError("INVALID_ARGUMENT", "never", { reason: "HOPELESS" })),
    );
    expect(await post(body)).toBe(204);
    expect((await deadLetters.list(1)).letters[0]).toMatchObject({ service: "tested", reason: "HOPELESS" });
  });

  test("keeps what is no fact as a dead letter, once, with the reason", async () => {
    const fact = factFrom(planStarted("b"));
    const cases: readonly (readonly [string, string])[] = [
      ["{}", "INVALID_PUSH"],
      [push("no JSON"), "NOT_JSON"],
      [push({ ...fact, data: { build: 7 } }), "INVALID_FACT"],
      [push({ ...fact, type: "dev.signalbox.plan.celebrated.v1" }), "UNKNOWN_FACT"],
      [push(`{"__proto__":{},"id":"x"}`), "KEY_FORBIDDEN"],
      [push(`{"id":"x","id":"y"}`), "KEY_TWICE"],
    ];
    const { post, deadLetters } = await door(() => Promise.reject(new Error("never reached")));
    for (const [text] of [...cases, ...cases]) expect(await post(text), text).toBe(204);
    const { letters, total } = await deadLetters.list(20);
    expect(total).toBe(cases.length);
    expect(letters.toReversed().map(({ reason }) => reason)).toEqual(cases.map(([, reason]) => reason));
  });

  test("keeps a message that is given again because the answer was lost only once", async () => {
    const { post, deadLetters } = await door(() => Promise.reject(new Error("never reached")));
    const again = (deliveryAttempt: number): string =>
      JSON.stringify({ deliveryAttempt, ...(JSON.parse(push("no JSON")) as object) });
    for (const text of [again(1), again(2)]) expect(await post(text)).toBe(204);
    expect((await deadLetters.list(5)).total).toBe(1);
  });

  test("turns away a missing or wrong token before anything else", async () => {
    const { post, port } = await door(() => Promise.reject(new Error("never reached")));
    expect(await post(body, {})).toBe(401);
    expect(await post(body, { authorization: "Bearer wrong" })).toBe(401);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(401);
  });

  test("turns away other methods, bodies without a length, and bodies that are too long, unread", async () => {
    const { port } = await door(() => Promise.reject(new Error("never reached")));
    const status = async (
      method: string,
      headers: Record<string, string | number>,
    ): Promise<number | undefined> => {
      const asked = request({ port, host: "127.0.0.1", method, headers: { ...AUTHORIZED, ...headers } });
      asked.on("error", () => undefined);
      asked.flushHeaders();
      const [response] = (await once(asked, "response")) as [{ statusCode?: number }];
      asked.destroy();
      return response.statusCode;
    };
    expect(await status("GET", {})).toBe(405);
    expect(await status("POST", { "transfer-encoding": "chunked" })).toBe(411);
    expect(await status("POST", { "content-length": PUSH_BYTES_MAX + 1 })).toBe(413);
  });

  test("lets a scheduler reconcile, and answers 503 when that fails", async () => {
    let broken = false;
    let rounds = 0;
    const reconcile = async () => {
      if (broken) throw new Error("not now");
      rounds += 1;
    };
    const { post } = await door(undefined, { reconcile });
    expect(await post("{}", AUTHORIZED, "reconcile")).toBe(204);
    broken = true;
    expect(await post("{}", AUTHORIZED, "reconcile")).toBe(503);
    expect(rounds).toBe(1);
  });

  test("answers a scheduler when what was started has ended, or 503 when that takes too long", async () => {
    const work = Promise.withResolvers<void>();
    const { post, clock } = await door(undefined, {
      reconcile: async () => undefined,
      idle: () => work.promise,
    });
    const late = post("{}", AUTHORIZED, "reconcile");
    await vi.waitUntil(() => clock.sleeping() > 0);
    await clock.advance(HANDLER_TIME_MAX_MS);
    expect(await late).toBe(503);
    const answer = post("{}", AUTHORIZED, "reconcile");
    await vi.waitUntil(() => clock.sleeping() > 0);
    work.resolve();
    expect(await answer).toBe(204);
  });

  test("takes a service's other schedules at their own paths, and nothing at paths of objects", async () => {
    let called = 0;
    const { post } = await door(undefined, { schedules: { "/seldom": async () => void (called += 1) } });
    expect(await post("", AUTHORIZED, "seldom")).toBe(204);
    expect(called).toBe(1);
    // Everything else is a push, and this is none: kept as a dead letter.
    for (const path of ["__proto__", "constructor", "seldom/"])
      expect(await post("{}", AUTHORIZED, path)).toBe(204);
    expect(called).toBe(1);
  });

  test("answers probes without a token, and nothing else that is not a push", async () => {
    const { port } = await door(() => Promise.reject(new Error("not asked")));
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
    for (const path of ["/startupz", "/livez"]) {
      const answer = await get(path);
      expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    }
    expect((await get("/livez/x")).status).toBe(401);
    expect((await fetch(`http://127.0.0.1:${port}/livez`, { method: "POST", body })).status).toBe(401);
  });

  test("drains: a request under way is answered, its kept connection and a half-sent request do not hold the process", async () => {
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { post, server, port } = await door(async () => {
      begun.resolve();
      await gate.promise;
    });
    const slow = connect({ host: "127.0.0.1", port });
    await once(slow, "connect");
    slow.write("POST / HTTP/1.1\r\nHost: localhost\r\n");
    slow.on("error", () => undefined);
    onTestFinished(() => void slow.destroy());
    const answer = post(body);
    await begun.promise;
    const drained = drain(server, 300);
    expect(server.listening).toBe(false);
    gate.resolve();
    expect(await answer).toBe(204);
    await drained;
  });
});
