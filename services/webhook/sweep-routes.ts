// The door of the clock, where an instance sleeps between requests: a schedule calls for the receipts that were left.
// The webhook is open to everybody, so the token is the only lock, and it is looked at before anything is read.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Clock } from "../../shared/ports/clock.ts";
import { withDeadline } from "../../shared/runtime/deadline.ts";
import { HANDLER_TIME_MAX_MS } from "../../shared/runtime/deliver.ts";
import type { PushGuard } from "../../shared/runtime/push-guard.ts";

/** Path that a schedule calls, as services.yaml has it. */
export const SWEEP_PATH = "/reconcile";
/** Bytes of such a call's body. Nothing in it is read. */
export const SWEEP_BODY_BYTES_MAX = 1_024;

/** What the door needs. */
export interface SweepDoor {
  /** Who may call. */
  readonly guard: PushGuard;
  readonly sweep: () => Promise<void>;
  readonly clock: Clock;
}

/** `POST /reconcile`: 204 when the receipts that were pending have been handled; 401 and 403 for everyone but the schedule. */
export function sweepRoutes({ guard, sweep, clock }: SweepDoor): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, async () => undefined);
    const options = {
      // Not `ordinary`: behind Cloud Run's proxy strangers and the schedule have one address, and share what it may do.
      config: { role: "public" as const, lane: "deliveries" as const },
      bodyLimit: SWEEP_BODY_BYTES_MAX,
      onRequest: async ({ raw }: { readonly raw: { readonly rawHeaders: string[] } }) =>
        guard(raw.rawHeaders),
    };
    app.post(SWEEP_PATH, options, async (_request, reply) => {
      await withDeadline(clock, HANDLER_TIME_MAX_MS, "The sweep of receipts", sweep);
      return reply.code(204).send();
    });
  };
}
