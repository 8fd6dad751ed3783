import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { certificateFinding } from "../../cli/doctor/files.ts";
import { skewFinding } from "../../cli/doctor/service.ts";
import { makeCertificate } from "../support/certificates.ts";
import { callCli } from "./call-cli.ts";

/** A control plane that answers what the doctor asks. */
async function controlPlane(
  change: {
    deadLetters?: readonly unknown[];
    webhook?: number;
    skewMs?: number;
    front?: readonly [status: number, type: string];
  } = {},
) {
  const { deadLetters = [], webhook = 401, skewMs = 0, front = [200, "application/schema+json"] } = change;
  const json = (response: ServerResponse, status: number, body: unknown, type = "application/json"): void => {
    const date = new Date(Date.now() + skewMs).toUTCString();
    response.writeHead(status, { "content-type": type, date }).end(JSON.stringify(body));
  };
  const answer: RequestListener = (request, response) => {
    request.resume();
    // As Cloud Run's front: no path that ends in `z` comes through, and nobody without a token.
    if (request.url?.endsWith("z") === true) return json(response, 404, {});
    if (request.url !== "/webhooks/github" && request.headers.authorization !== "Bearer t")
      return json(response, 403, {});
    if (request.url?.startsWith("/schemas/") === true) return json(response, front[0], {}, front[1]);
    if (request.url === "/webhooks/github") return json(response, webhook, {});
    return json(response, 200, { deadLetters });
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const env = { SIGNALBOX_URL: `http://127.0.0.1:${port}`, SIGNALBOX_TOKEN: "t" };
  const { code, out } = await callCli(["--state", "/nonexistent", "--json", "doctor"], { env });
  const findings = JSON.parse(out) as { check: string; state: string; what: string }[];
  return { code, stateOf: (check: string) => findings.find((each) => each.check === check)?.state };
}

test("a control plane in good health is told so, with exit code 0", async () => {
  const { code, stateOf } = await controlPlane();
  expect(code).toBe(0);
  for (const check of ["control plane", "clock", "dead letters", "webhook", "versions"])
    expect([check, stateOf(check)]).toEqual([check, "ok"]);
});

test.each([
  ["dead letters", { deadLetters: [{}] }],
  ["webhook", { webhook: 200 }],
  ["webhook", { webhook: 302 }],
  ["clock", { skewMs: 120_000 }],
  ["control plane", { front: [503, "application/schema+json"] as const }],
  ["control plane", { front: [404, "application/json"] as const }],
  ["control plane", { front: [302, "text/html"] as const }],
  ["control plane", { front: [200, "text/html"] as const }],
])("%s that is broken fails it: %o", async (check, change) => {
  const { code, stateOf } = await controlPlane(change);
  expect(code).toBe(1);
  expect(stateOf(check)).toBe("failure");
});

test("a control plane whose webhook is another service is not taken for a broken one", async () => {
  const { code, stateOf } = await controlPlane({ webhook: 404 });
  expect(code).toBe(0);
  expect(stateOf("webhook")).toBe("skipped");
});

test("a small difference of clocks is a warning, and whole seconds are none", () => {
  const now = Date.parse("2026-01-01T00:00:10.900Z");
  const state = (date: string) => skewFinding("it", date, now)[0]?.state;
  expect(state("Thu, 01 Jan 2026 00:00:10 GMT")).toBe("ok");
  expect(state("Thu, 01 Jan 2026 00:00:20 GMT")).toBe("warning");
  expect(state("no date")).toBeUndefined();
});

test("a certificate is good, ends soon, has ended, or has not begun", () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-doctor-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { cert: certFile } = makeCertificate(folder, "server", ["localhost"]);
  const { validFrom, validTo } = new X509Certificate(readFileSync(certFile));
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const state = (at: number) => certificateFinding(certFile, at).state;
  expect([state(to + 1_000), state(to - 1_000), state(from - 60_000)]).toEqual([
    "failure",
    "warning",
    "failure",
  ]);
});
