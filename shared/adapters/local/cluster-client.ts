// One HTTP exchange with a Ray head: bounded in time and size, every failure to reach it UNAVAILABLE.
import { shownUrl } from "../../domain/credentials.ts";
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";

/** Longest wait for one answer of the head. */
export const RAY_TIMEOUT_MS = 10_000;
/** Bytes of an answer that are read; a longer answer is refused. */
export const RAY_ANSWER_BYTES_MAX = 16 * 1_024 * 1_024;

/** What the head answered: `json` when it was JSON, `text` in any case. */
export interface RayAnswer {
  readonly status: number;
  readonly text: string;
  readonly json: unknown;
}

/** One exchange. Throws UNAVAILABLE when the head cannot be reached in time, FAILED_PRECONDITION `NO_RAY` without one. */
export type RayClient = (method: "GET" | "POST", path: string, body?: unknown) => Promise<RayAnswer>;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > RAY_ANSWER_BYTES_MAX)
      throw new Error(`the answer is longer than ${RAY_ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** A client of one head. */
export function createRayClient(options: {
  readonly address: string | undefined;
  readonly token?: string;
  readonly timeoutMs?: number;
}): RayClient {
  const { address, token, timeoutMs = RAY_TIMEOUT_MS } = options;
  return async (method, path, body) => {
    if (address === undefined) {
      throw failedPrecondition(
        "NO_RAY",
        "No Ray is configured: set SIGNALBOX_RAY_ADDRESS, or start with --with-ray.",
      );
    }
    const { request } = await import("./undici-library.ts");
    try {
      const answer = await request(new URL(path, address), {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await read(answer.body);
      return { status: answer.statusCode, text, json: parsed(text) };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const shown = shownUrl(address);
      throw new ControlPlaneError("UNAVAILABLE", `The Ray head at ${shown} cannot be reached: ${why}`, {
        reason: "RAY_UNREACHABLE",
        metadata: { address: shown },
        cause,
      });
    }
  };
}
