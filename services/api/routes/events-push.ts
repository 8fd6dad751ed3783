// `POST /v1/events:push`: events of the public topic, as its subscription pushes them. Who pushes is looked at before the body is read.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import type { Caller } from "../../../shared/domain/role.ts";
import type { PushGuard } from "../../../shared/runtime/push-guard.ts";
import { subscriptionOfPush } from "../../../shared/runtime/push-message.ts";
import { BODY_BYTES_MAX } from "../../../shared/runtime/server.ts";
import { createOutsidePush, type OutsidePushPorts } from "../outside-push.ts";

/** Bytes of one push: an event as large as the HTTPS door takes it, in base64, and its envelope. */
export const EVENT_PUSH_BYTES_MAX = Math.ceil((BODY_BYTES_MAX * 4) / 3) + 16_384;

/** Whoever may publish on the topic: IAM says who, and no message does. It may what the events of the allow-list need, and no more. */
export const EVENTS_PRINCIPAL: Caller = { principal: "topics/events", role: "engineer", codeHostLogins: [] };

/** What stands before the topic's events. */
export interface EventPushDoor {
  readonly guard: PushGuard;
  /** The one subscription that may push here. */
  readonly subscription: string;
}

function requireSubscription(body: Buffer, subscription: string): void {
  const said = subscriptionOfPush(body);
  if (said === subscription) return;
  throw new ControlPlaneError("PERMISSION_DENIED", "This subscription may not push here.", {
    reason: "PUSH_SUBSCRIPTION_REFUSED",
    metadata: { said: said?.slice(0, 200) ?? "", expected: subscription },
  });
}

/** The route. 204 is taken, ignored, or kept as a dead letter; 503 asks for the message again. */
export function eventPushRoutes(
  ports: Omit<OutsidePushPorts, "caller"> & EventPushDoor,
): FastifyPluginAsyncTypebox {
  const accept = createOutsidePush({ ...ports, caller: EVENTS_PRINCIPAL });
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser<Buffer>(
      "*",
      { parseAs: "buffer" },
      async (_request: FastifyRequest, body: Buffer) => body,
    );
    const options = {
      bodyLimit: EVENT_PUSH_BYTES_MAX,
      config: { role: "public", lane: "deliveries" },
      onRequest: async ({ raw }: FastifyRequest) => ports.guard(raw.rawHeaders),
    } as const;
    app.post("/v1/events::push", options, async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      requireSubscription(body, ports.subscription);
      return reply.code(await accept(body)).send();
    });
  };
}
