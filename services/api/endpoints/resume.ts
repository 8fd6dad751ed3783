// Resuming an endpoint: the hold is cleared in the traffic document, and recorded when the ledger is there.
import { isTransient, notFound } from "../../../shared/domain/errors.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import {
  recordResume,
  recordTraffic,
  type RecordTrafficPorts,
} from "../../../shared/runtime/record-traffic.ts";
import { resumeEndpoint } from "../../../shared/runtime/traffic.ts";

/** What resuming needs. */
export interface ResumePorts extends RecordTrafficPorts {
  readonly log: Log;
}

/** What resuming did. */
export interface ResumeAnswer {
  readonly name: string;
  /** False when the endpoint was not held. */
  readonly resumed: boolean;
  /** False when the ledger was not there: the reconciler records it later. */
  readonly recorded: boolean;
}

/** The ledger is given this long; then the endpoint is resumed without it. */
export const RESUME_RECORD_TIMEOUT_MS = 2_000;

/** The answer of work on the ledger, or undefined when it cannot be reached in time. */
async function ifLedgerAnswers<Answer>(
  { clock, log }: ResumePorts,
  endpoint: string,
  work: () => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await withDeadline(clock, RESUME_RECORD_TIMEOUT_MS, "Recording the resume", work);
  } catch (error) {
    if (!isTransient(error)) throw error;
    log.warn(
      { error, endpoint },
      "The endpoint is resumed and the ledger does not answer: it is recorded later.",
    );
    return undefined;
  }
}

/** Clears the hold. Safe to repeat: an endpoint that is not held stays as it is. Errors: NOT_FOUND for an endpoint that nobody knows. */
export async function resume(
  ports: ResumePorts,
  endpoint: string,
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<ResumeAnswer> {
  const known = (await ports.traffic.read(endpoint)) !== undefined;
  const before = await ifLedgerAnswers(ports, endpoint, () => recordTraffic(ports, endpoint));
  // Without a document nothing can be held; without settings nobody has named it either.
  if (!known && before?.state.settings === undefined)
    throw notFound(endpoint, "List /v1/teams/-/endpoints to see which exist.");
  const { changed } = await resumeEndpoint(ports, endpoint);
  const after = await ifLedgerAnswers(ports, endpoint, async () => {
    const hold = before?.state.hold;
    if (hold !== undefined) await recordResume(ports, endpoint, hold.version, { reason, actor });
    return "recorded" as const;
  });
  return { name: endpoint, resumed: changed, recorded: before !== undefined && after !== undefined };
}
