// The other way in for outside events: CloudEvents on the public topic of Pub/Sub, pushed to us. The door behind is the same as that
// of `POST /v1/events`: allow-list, role, schema, once.
import { type CloudEvent, fromStructured, STRUCTURED_MEDIA_TYPE } from "../../shared/domain/cloud-event.ts";
import { type ControlPlaneError, invalidArgument, isTransient } from "../../shared/domain/errors.ts";
import type { Caller } from "../../shared/domain/role.ts";
import { parseStrictJson } from "../../shared/domain/strict-json.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { pushDigest, readPush } from "../../shared/runtime/push-message.ts";
import type { OutsideDoor } from "./outside-door.ts";

/** What letters of outside events are kept under. */
const SERVICE = "events";

/** What the way in needs. */
export interface OutsidePushPorts {
  readonly door: OutsideDoor;
  /**
   * As whom the topic's events come. Pub/Sub does not tell who published, only that IAM let them: whoever may publish there is
   * this principal, so the role is one that all of them may have.
   */
  readonly caller: Caller;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly log: Log;
}

/** The event of a message, in either mode of the Pub/Sub binding of CloudEvents. Attributes are text as it is, not percent-encoded. */
function eventOf(data: Buffer, attributes: Readonly<Record<string, string>>): CloudEvent {
  const named = Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), value] as const);
  if (new Set(named.map(([name]) => name)).size < named.length)
    throw invalidArgument(
      "message.attributes",
      "An attribute is there twice, in two spellings: keep one.",
      "INVALID_CLOUD_EVENT",
    );
  const document = parseStrictJson(data);
  const type = named.find(([name]) => name === "content-type")?.[1] ?? "";
  if (type.toLowerCase().startsWith(STRUCTURED_MEDIA_TYPE)) return fromStructured(document);
  const members = named
    .filter(([name]) => name.startsWith("ce-"))
    .map(([name, value]) => [name.slice(3), value]);
  return fromStructured({ ...Object.fromEntries(members), data: document });
}

/** Takes the body of a push; answers 204 for done, ignored or kept as a dead letter, 503 for "again". */
export function createOutsidePush(ports: OutsidePushPorts): (body: Buffer) => Promise<number> {
  const { door, caller, deadLetters, clock, log } = ports;
  return async (body) => {
    try {
      const { data, attributes } = readPush(body);
      await door(eventOf(data, attributes), caller);
      return 204;
    } catch (error) {
      if (isTransient(error)) {
        log.warn({ error }, "outside event not taken, to be given again");
        return 503;
      }
      const { reason, message } = error as ControlPlaneError;
      const id = `${SERVICE}/push-${pushDigest(body)}`;
      log.error({ id, error }, "outside event refused, kept as a dead letter");
      const payload = body.toString("utf8").toWellFormed();
      await deadLetters.put({
        id,
        service: SERVICE,
        reason,
        message,
        payload,
        time: clock.now().toISOString(),
      });
      return 204;
    }
  };
}
