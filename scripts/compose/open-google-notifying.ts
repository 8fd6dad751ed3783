// How people are told on Google Cloud: one secret holds whom to tell and the key that signs. Loaded only there.
import { Type } from "typebox";
import { Value } from "typebox/value";
import { createOutgoing } from "../../shared/adapters/local/outgoing.ts";
import { failedPrecondition } from "../../shared/domain/errors.ts";
import { parseStrictJson } from "../../shared/domain/strict-json.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import { channelOf, type ReadNotificationChannel } from "../../shared/runtime/notification-channel.ts";
import { NOTIFICATION_SECRET } from "../../shared/runtime/notify.ts";
import { openGoogleSecrets, type SecretsSettings } from "./open-google-secrets.ts";

const NotificationsSecret = Type.Object(
  { secret: Type.String({ minLength: 1 }), channel: Type.Optional(Type.Unknown()) },
  { additionalProperties: false },
);

/** Says nothing of what it read: it is a secret. */
function read(text: string) {
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch {
    value = undefined;
  }
  if (Value.Check(NotificationsSecret, value)) return value;
  throw failedPrecondition(
    "SECRET_UNREADABLE",
    `The secret ${NOTIFICATION_SECRET} is not a JSON object with "secret" and "channel": see docs/deploy.md.`,
    { name: NOTIFICATION_SECRET },
  );
}

/** The ports of telling people over these secrets. Both versions of the secret sign, and the newer one says whom to tell. */
export function notifyingOver(stored: Secrets): {
  readonly secrets: Secrets;
  readonly readNotificationChannel: ReadNotificationChannel;
} {
  return {
    secrets: {
      async get(name) {
        const { current, previous } = await stored.get(name);
        const key = read(current).secret;
        if (previous === undefined) return { current: key };
        const before = read(previous).secret;
        return before === key ? { current: key } : { current: key, previous: before };
      },
    },
    async readNotificationChannel() {
      const { channel } = read((await stored.get(NOTIFICATION_SECRET)).current);
      return channel === undefined ? undefined : channelOf(channel);
    },
  };
}

/** Opens them. Nothing is read yet. */
export const openGoogleNotifying = (settings: SecretsSettings) => ({
  outgoing: createOutgoing(),
  ...notifyingOver(openGoogleSecrets(settings)),
});
