// notifications.json of the state folder: whom to tell. Read at every use, so that a change needs no restart.
import { open } from "node:fs/promises";
import { type Static, Type } from "typebox";
import { failedPrecondition, invalidArgument } from "../domain/errors.ts";
import { requireSchema } from "../domain/field-problem.ts";
import { NOTIFICATION_TYPES, type NotificationType } from "../domain/notification.ts";
import { parseStrictJson } from "../domain/strict-json.ts";

/** Bytes of the file. */
const FILE_BYTES_MAX = 16_384;
/** Permissions of anybody but the owner. */
const OTHERS = 0o077;

/** The file. Its URL may hold a secret, as those of Slack do, so only its origin is ever shown. */
export const ChannelFile = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 2_048 }),
    format: Type.Optional(Type.Union([Type.Literal("standard"), Type.Literal("slack")])),
    /** Only these kinds; without it, all. */
    types: Type.Optional(
      Type.Array(Type.Union(NOTIFICATION_TYPES.map((type) => Type.Literal(type))), {
        minItems: 1,
        maxItems: 50,
      }),
    ),
    allowPlainHttp: Type.Optional(Type.Boolean()),
    allowPrivateNetwork: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** Whom to tell, and how. */
export interface NotificationChannel extends Omit<Static<typeof ChannelFile>, "types"> {
  readonly types?: readonly NotificationType[];
}

/** Reads the channel; undefined when nobody is to be told. Throws a ControlPlaneError that says what to mend. */
export type ReadNotificationChannel = () => Promise<NotificationChannel | undefined>;

const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

/** Refuses addresses that would carry what happened, or a password, in the open. */
export function checkChannel(channel: NotificationChannel): NotificationChannel {
  const url = URL.parse(channel.url);
  if (url === null || !["https:", "http:"].includes(url.protocol))
    throw invalidArgument(
      "url",
      "url is no address: write it like https://hooks.example.com/signalbox.",
      "INVALID_URL",
    );
  if (url.username !== "" || url.password !== "")
    throw invalidArgument(
      "url",
      "url holds a name or a password: take them out; messages are signed instead.",
      "INVALID_URL",
    );
  if (url.protocol === "http:" && !isLoopback(url.hostname) && channel.allowPlainHttp !== true) {
    throw invalidArgument(
      "url",
      'url is not encrypted: use https:, or set "allowPlainHttp": true if everyone on the way may read along.',
      "PLAIN_HTTP",
    );
  }
  return channel;
}

/** The channel that was written down; refuses what is none. */
export function channelOf(value: unknown): NotificationChannel {
  requireSchema(ChannelFile, value, "");
  return checkChannel(value as NotificationChannel);
}

/** A reader of the file at `path`. The file must be its owner's alone. */
export function createChannelReader(path: string): ReadNotificationChannel {
  return async () => {
    const file = await open(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    try {
      const { mode, size } = await file.stat();
      if ((mode & OTHERS) !== 0) {
        throw failedPrecondition(
          "CHANNEL_EXPOSED",
          `${path} can be read by others than its owner: run chmod 600 on it; its URL may be a secret.`,
          { path },
        );
      }
      if (size > FILE_BYTES_MAX)
        throw failedPrecondition(
          "CHANNEL_TOO_LARGE",
          `${path} has ${size} bytes and ${FILE_BYTES_MAX} are allowed.`,
        );
      return channelOf(parseStrictJson(await file.readFile("utf8")));
    } finally {
      await file.close();
    }
  };
}
