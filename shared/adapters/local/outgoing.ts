// Messages to the outside over HTTP, to addresses that are checked when they are connected to.
import { isIP } from "node:net";
import type { Agent } from "undici";
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import type { Outgoing, OutgoingRequest } from "../../ports/outgoing.ts";
import { type AddressRule, guardedLookup, namesLoopback, requireAddress } from "./outgoing-addresses.ts";

/** Bytes of an answer's head. */
const HEADER_BYTES_MAX = 16_384;
/** How long a connection may take to be made. */
export const OUTGOING_CONNECT_TIMEOUT_MS = 5_000;

/** A connection for this request alone: what another request was allowed must not serve this one. */
async function agentOf(
  rule: AddressRule,
  timeoutMs: number,
  resolve: Parameters<typeof guardedLookup>[1],
): Promise<Agent> {
  const library = await import("./undici-library.ts");
  return new library.Agent({
    connect: { lookup: guardedLookup(rule, resolve), timeout: OUTGOING_CONNECT_TIMEOUT_MS },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: 1,
    pipelining: 0,
  });
}

/** Why no answer came, in words that hold nothing of the URL but its host. */
function explain(host: string, timeoutMs: number, error: unknown): unknown {
  if (error instanceof ControlPlaneError || !(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (error.name === "TimeoutError" || /TIMEOUT|TIMEDOUT/.test(code)) {
    return new ControlPlaneError(
      "DEADLINE_EXCEEDED",
      `${host} did not answer within ${timeoutMs / 1_000} s.`,
      {
        reason: "NO_ANSWER_IN_TIME",
        metadata: { host },
      },
    );
  }
  return new ControlPlaneError("UNAVAILABLE", `${host} could not be reached (${code}).`, {
    reason: "NOT_REACHED",
    metadata: { host, code },
  });
}

/** Posts messages; `resolve` answers names, as the system does by default. */
export function createOutgoing(
  options: { readonly resolve?: Parameters<typeof guardedLookup>[1] } = {},
): Outgoing {
  return {
    async post({ url, headers, body, timeoutMs, allowPrivateNetwork, signal }: OutgoingRequest) {
      const target = URL.parse(url);
      if (target === null || !["https:", "http:"].includes(target.protocol))
        throw invalidArgument("url", "The address is no URL with https: or http:.", "INVALID_URL");
      const { hostname, host } = target;
      const rule = { allowPrivateNetwork, loopback: namesLoopback(hostname) };
      const bare = hostname.replace(/^\[|\]$/g, "");
      // A literal address is never looked up, so it is checked here.
      if (isIP(bare) !== 0) requireAddress(hostname, bare, rule);
      const { request } = await import("./undici-library.ts");
      const agent = await agentOf(rule, timeoutMs, options.resolve);
      const late = AbortSignal.timeout(timeoutMs);
      try {
        const answer = await request(url, {
          method: "POST",
          headers,
          body,
          dispatcher: agent,
          signal: signal === undefined ? late : AbortSignal.any([late, signal]),
        });
        answer.body.on("error", () => undefined).destroy();
        const retryAfter = answer.headers["retry-after"];
        return {
          status: answer.statusCode,
          ...(typeof retryAfter === "string" ? { retryAfter } : {}),
        };
      } catch (error) {
        throw explain(host, timeoutMs, error);
      } finally {
        await agent.destroy();
      }
    },
  };
}
