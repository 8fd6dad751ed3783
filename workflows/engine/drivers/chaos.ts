// Chaos by seed: the same seed breaks the same requests in the same way, so that a failing run can be looked at again.
import { createHash } from "node:crypto";
import { failure, textResponse, type EffectRequest, type EffectResult } from "../machine/request.ts";
import type { Perform } from "./execute.ts";

/** What can go wrong with a request; `lost` carries it out and loses the answer. */
export type Fault = "unavailable" | "too-many" | "refused" | "lost" | "timeout";

/** How wild it gets. */
export interface ChaosOptions {
  readonly seed: string;
  /** Share of HTTP requests that fail, from 0 to 1. */
  readonly rate: number;
  readonly faults?: readonly Fault[];
}

const ALL_FAULTS: readonly Fault[] = ["unavailable", "too-many", "refused", "lost", "timeout"];

/** A driver around another one that fails some HTTP requests. `injected` lists them as `id fault`. */
export function createChaosDriver(
  perform: Perform,
  { seed, rate, faults = ALL_FAULTS }: ChaosOptions,
): { readonly perform: Perform; readonly injected: readonly string[] } {
  const injected: string[] = [];
  const attempts = new Map<string, number>();
  return {
    injected,
    perform: async (request, signal) => {
      if (request.kind !== "http") return perform(request, signal);
      const attempt = (attempts.get(request.id) ?? 0) + 1;
      attempts.set(request.id, attempt);
      const draw = createHash("sha256").update(`${seed}/${request.id}/${attempt}`).digest();
      if (draw.readUInt32BE(0) / 2 ** 32 >= rate) return perform(request, signal);
      const fault = faults[draw.readUInt32BE(4) % faults.length] ?? "unavailable";
      injected.push(`${request.id} ${fault}`);
      return breakRequest(fault, request, perform, signal);
    },
  };
}

async function breakRequest(
  fault: Fault,
  request: EffectRequest,
  perform: Perform,
  signal: AbortSignal,
): Promise<EffectResult> {
  switch (fault) {
    case "unavailable":
      return textResponse(503, "chaos: unavailable");
    case "too-many":
      return textResponse(429, "chaos: too many requests");
    case "refused":
      return failure("ConnectionFailedError", "chaos: connection refused");
    case "timeout":
      return failure("TimeoutError", "chaos: no answer in time");
    default:
      await perform(request, signal);
      return failure("ConnectionError", "chaos: connection lost after the request was carried out");
  }
}
