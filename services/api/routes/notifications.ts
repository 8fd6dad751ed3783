// The delivery log of notifications: what people were told, what not, and why; sending one again, and a test of the channel.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { failedPrecondition, notFound } from "../../../shared/domain/errors.ts";
import { factId } from "../../../shared/domain/fact.ts";
import { testNotification } from "../../../shared/domain/notification.ts";
import type { NotificationEntry, Notifications } from "../../../shared/ports/notifications.ts";
import { deliverNotification, type NotifyPorts } from "../../../shared/runtime/notify.ts";
import { createPageTokens, pageSize } from "../../../shared/runtime/page-token.ts";
import type { TextSigner } from "../../../shared/runtime/signed-text.ts";
import { errorResponses, pageArguments, pageOf } from "./schemas.ts";

/** The notifier leaves a test alone for this long: the request that asked for it sends it. */
const TEST_CLAIMED_MS = 60_000;

/** What the routes touch. */
export interface NotificationRoutePorts extends NotifyPorts {
  readonly notifications: Notifications;
  readonly signer: TextSigner;
}

const Attempt = Type.Object({
  time: Type.String(),
  durationMs: Type.Integer(),
  status: Type.Optional(Type.Integer()),
  error: Type.Optional(Type.String()),
});

/** One entry of the delivery log. */
const Entry = Type.Object({
  name: Type.String(),
  type: Type.String(),
  state: Type.String(),
  subject: Type.String(),
  actor: Type.String(),
  summary: Type.String(),
  nextStep: Type.String(),
  /** When it happened. */
  eventTime: Type.String(),
  nextAttemptTime: Type.Optional(Type.String()),
  createTime: Type.String(),
  updateTime: Type.String(),
  attempts: Type.Array(Attempt),
});

function resourceOf(entry: NotificationEntry) {
  const { id, type, state, subject, actor, summary, nextStep, createTime, updateTime, attempts } = entry;
  return {
    name: `notifications/${id}`,
    type,
    state: state.toUpperCase(),
    subject,
    actor,
    summary,
    nextStep,
    eventTime: entry.time,
    ...(entry.nextAttempt === undefined ? {} : { nextAttemptTime: entry.nextAttempt }),
    createTime,
    updateTime,
    attempts: [...attempts],
  };
}

const many = {
  querystring: Type.Object(pageArguments, { additionalProperties: false }),
  response: { 200: pageOf("notifications", Entry), ...errorResponses },
};
const one = {
  params: Type.Object({ notification: Type.String({ maxLength: 100 }) }),
  response: { 200: Entry, ...errorResponses },
};
const tested = { response: { 200: Entry, ...errorResponses } };

async function entryOf(notifications: Notifications, id: string): Promise<NotificationEntry> {
  const entry = await notifications.get(id);
  if (entry === undefined)
    throw notFound(`notifications/${id}`, "List /v1/notifications to see which there are.");
  return entry;
}

/** Sends a test at once and once only; the answer says what came of it. */
async function sendTest(ports: NotificationRoutePorts, requestId: string, principal: string) {
  const { notifications, clock } = ports;
  if ((await ports.readNotificationChannel()) === undefined) {
    throw failedPrecondition(
      "NO_CHANNEL",
      'Nobody is to be notified: write notifications.json in the state folder, such as { "url": "https://hooks.example.com/signalbox" }, with permissions 600.',
    );
  }
  const time = clock.now().toISOString();
  const test = testNotification(factId("notifications", `test/${time}/${requestId}`, 0), time, principal);
  await notifications.put(test, new Date(Date.parse(time) + TEST_CLAIMED_MS).toISOString());
  const entry = await entryOf(notifications, test.id);
  const outcome = await deliverNotification(ports, entry);
  await notifications.settle(test.id, outcome);
  return entryOf(notifications, test.id);
}

/** `GET /v1/notifications`, `GET /v1/notifications/{notification}`, `:redeliver` of one, and `POST /v1/notifications:test`. */
export function notificationRoutes(ports: NotificationRoutePorts): FastifyPluginAsyncTypebox {
  const { notifications, clock } = ports;
  const pageTokens = createPageTokens(ports.signer, clock);
  const viewer = { role: "viewer" } as const;
  const operator = { role: "operator" } as const;
  return async (app) => {
    app.get("/v1/notifications", { config: viewer, schema: many }, async ({ query }) => {
      const after = pageTokens.read("notifications", query.pageToken);
      const size = pageSize(query.pageSize);
      const found = await notifications.list({ limit: size + 1, ...(after === undefined ? {} : { after }) });
      const page = found.slice(0, size);
      const last = page.at(-1);
      const nextPageToken =
        last !== undefined && found.length > size ? pageTokens.make("notifications", last.id) : "";
      return { notifications: page.map(resourceOf), nextPageToken };
    });
    app.get("/v1/notifications/:notification(^[^:/]+)", { config: viewer, schema: one }, async ({ params }) =>
      resourceOf(await entryOf(notifications, params.notification)),
    );
    app.post(
      "/v1/notifications/:notification(^[a-z0-9]+)::redeliver",
      { config: operator, schema: one },
      async ({ params }) => {
        await notifications.again(params.notification, clock.now().toISOString());
        return resourceOf(await entryOf(notifications, params.notification));
      },
    );
    app.post("/v1/notifications::test", { config: operator, schema: tested }, async ({ caller, id }) =>
      resourceOf(await sendTest(ports, id, caller.principal)),
    );
  };
}
