// W3C Trace Context: the `traceparent` that a story carries from one fact to the next.
import { createHash } from "node:crypto";

/** The parts of a traceparent. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const SHAPE = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NOTHING = /^0+$/;

/** Reads a traceparent (version 00); undefined when it is none. */
export function parseTraceparent(text: string): TraceParent | undefined {
  const [, traceId = "", spanId = "", flags = ""] = SHAPE.exec(text) ?? [];
  if (traceId === "" || NOTHING.test(traceId) || NOTHING.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a traceparent. */
export const formatTraceparent = ({ traceId, spanId, sampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;

/** The traceparent of a story that begins with this cause: the same for every retry. */
export function traceparentOf(cause: string): string {
  const hex = createHash("sha256").update(`story/${cause}`).digest("hex");
  return formatTraceparent({ traceId: hex.slice(0, 32), spanId: hex.slice(32, 48), sampled: true });
}
