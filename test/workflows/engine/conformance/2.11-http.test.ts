import { describe, expect, test } from "vitest";
import {
  jsonResponse,
  type EffectRequest,
  type EffectResult,
  type HttpRequest,
} from "../../../../workflows/engine/engine.ts";
import { resultText, run } from "../support/run-workflow.ts";

/** The request that one http call makes; arguments are YAML in flow form. */
async function requested(args: string, call = "http.post"): Promise<HttpRequest & EffectRequest> {
  const { outcome, driver } = await run(`- a:\n    call: ${call}\n    args: ${args}\n`, {
    script: [{ when: () => true, answers: [jsonResponse(200, {})] }],
  });
  if (outcome.state === "FAILED") throw new Error(outcome.error.payload);
  return driver.requests[0] as HttpRequest & EffectRequest;
}

/** The value that a GET with one answer returns. */
const answered = (answer: EffectResult, path = "r"): Promise<string> =>
  resultText(
    `- a:\n    call: http.get\n    args: {url: 'https://x.test/'}\n    result: r\n- d:\n    return: \${${path}}\n`,
    { script: [{ when: "GET", answers: [answer] }] },
  );

const body = (data: string, type: string, encoding: "utf8" | "base64" = "utf8"): EffectResult => ({
  kind: "http",
  status: 200,
  headers: { "content-type": type },
  body: { encoding, data },
});

describe("2.11 HTTP requests", () => {
  test("[D 2.11-01] a body without Content-Type is JSON", async () => {
    expect(await requested("{url: 'https://x.test/', body: {a: 1}}")).toMatchObject({
      method: "POST",
      headers: { "Content-Type": "application/json; charset=utf-8" },
      body: { encoding: "utf8", data: '{"a":1}' },
      timeoutSeconds: 300,
    });
  });
  test("[D 2.11-02] a body of bytes is octet-stream", async () => {
    expect(await requested("{url: 'https://x.test/', body: '${text.encode(\"a\")}'}")).toMatchObject({
      headers: { "Content-Type": "application/octet-stream" },
      body: { encoding: "base64", data: "YQ==" },
    });
  });
  test("[D 2.11-03] text and form bodies follow their Content-Type", async () => {
    expect(
      (await requested("{url: 'https://x.test/', headers: {content-type: text/plain}, body: hi}")).body,
    ).toEqual({ encoding: "utf8", data: "hi" });
    expect(
      (
        await requested(
          "{url: 'https://x.test/', headers: {Content-Type: application/x-www-form-urlencoded}, body: {a: 1 2, b: true}}",
        )
      ).body,
    ).toEqual({ encoding: "utf8", data: "a=1%202&b=true" });
    expect(
      (
        await requested(
          "{url: 'https://x.test/', headers: {Content-Type: application/merge-patch+json}, body: [1]}",
        )
      ).body,
    ).toEqual({ encoding: "utf8", data: "[1]" });
  });
  test("[D 2.11-04] a null body is none", async () =>
    expect(await requested("{url: 'https://x.test/', body: null}")).not.toHaveProperty("body"));
  test("[D 2.11-05] the user agent is appended to a given one", async () => {
    expect((await requested("{url: 'https://x.test/'}")).headers["User-Agent"]).toBe(
      "GoogleCloudWorkflows; (+https://cloud.google.com/workflows/docs)",
    );
    expect(
      (await requested("{url: 'https://x.test/', headers: {user-agent: mine}}")).headers["user-agent"],
    ).toBe("mine GoogleCloudWorkflows; (+https://cloud.google.com/workflows/docs)");
  });
  test("[D 2.11-06] query values are scalars or lists of them", async () => {
    expect(
      (await requested("{url: 'https://x.test/?a=1', query: {b: x y, c: [1, true], d: 1.5}}", "http.get"))
        .url,
    ).toBe("https://x.test/?a=1&b=x%20y&c=1&c=true&d=1.5");
  });
  test("[D 2.11-07] http.request names its method", async () =>
    expect((await requested("{url: 'https://x.test/', method: patch}", "http.request")).method).toBe(
      "PATCH",
    ));
  test("[D 2.11-08] OIDC has the URL as audience unless given, OAuth2 its scopes", async () => {
    expect((await requested("{url: 'https://x.test/a?b=1', auth: {type: OIDC}}")).auth).toEqual({
      type: "OIDC",
      audience: "https://x.test/a",
    });
    expect(
      (await requested("{url: 'https://x.test/a', auth: {type: OIDC, audience: 'https://x.test'}}")).auth,
    ).toEqual({ type: "OIDC", audience: "https://x.test" });
    expect((await requested("{url: 'https://x.test/', auth: {type: OAuth2, scopes: [a, b]}}")).auth).toEqual({
      type: "OAuth2",
      scopes: ["a", "b"],
    });
    expect((await requested("{url: 'https://x.test/', auth: {type: OAuth2, scope: 'a, b c'}}")).auth).toEqual(
      { type: "OAuth2", scopes: ["a", "b", "c"] },
    );
  });
  test("[D 2.11-09] a timeout above 1800 seconds is a ValueError", async () => {
    expect((await requested("{url: 'https://x.test/', timeout: 1800}")).timeoutSeconds).toBe(1800);
    await expect(requested("{url: 'https://x.test/', timeout: 1801}")).rejects.toThrow("ValueError");
  });
  test.each(["ftp://x.test", "x.test", "http://"])("[D 2.11-11] %s is no URL", async (url) => {
    await expect(requested(`{url: '${url}'}`)).rejects.toThrow("ValueError");
  });
});

describe("2.11 HTTP responses", () => {
  test("[R 2.11-13] JSON is decoded, text is text, everything else bytes", async () => {
    expect(await answered(body('{"a":1}', "application/json; charset=utf-8"), "r.body.a")).toBe("1");
    expect(await answered(body("[1.0]", "application/vnd.api+json"), "get_type(r.body[0])")).toBe('"double"');
    expect(await answered(body("hi", "text/html"), "r.body")).toBe('"hi"');
    expect(await answered(body("AAE=", "application/octet-stream", "base64"), "get_type(r.body)")).toBe(
      '"bytes"',
    );
  });
  test("[?] a JSON type with another body is text", async () =>
    expect(await answered(body("oops", "application/json"), "r.body")).toBe('"oops"'));
  test("[O 2.11-14] [D 2.11-15] header names are canonical and repeated ones joined", async () => {
    expect(
      await answered(
        { kind: "http", status: 204, headers: { "x-cloud-trace-context": "t", "set-cookie": ["a", "b"] } },
        "r",
      ),
    ).toBe('{"body":null,"code":204,"headers":{"X-Cloud-Trace-Context":"t","Set-Cookie":"a,b"}}');
  });
  test("[R 2.11-17] a response above 2 MB ends the execution", async () => {
    expect(await answered(body("x".repeat(2 * 1024 * 1024 + 1), "text/plain"))).toContain(
      "ResourceLimitError",
    );
  });
});
