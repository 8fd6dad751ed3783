// The one way in for outside events, whether they come as CloudEvents or as a call of the API: role, schema, once.
import { createHash } from "node:crypto";
import { type Decider, ignored } from "../../shared/domain/decider.ts";
import { ControlPlaneError, invalidArgument } from "../../shared/domain/errors.ts";
import { factType } from "../../shared/domain/facts.ts";
import { requireSchema } from "../../shared/domain/field-problem.ts";
import {
  isOutsideType,
  OUTSIDE_EVENTS,
  type OutsideAnswer,
  outsideCause,
  type OutsideEvent,
  type OutsideHandlers,
  type OutsideType,
} from "../../shared/domain/outside-events.ts";
import type { Caller } from "../../shared/domain/role.ts";
import { requireRole } from "../../shared/runtime/authenticate.ts";
import { portsFor } from "../../shared/runtime/rehearse.ts";
import { traceparentOf } from "../../shared/domain/traceparent.ts";
import { record, type RecordPorts } from "../../shared/runtime/record.ts";
import { currentStory } from "../../shared/runtime/tracing.ts";

/** An event at the door: not yet known to be of the allow-list, nor its data to be what they should. */
export interface Knock {
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly traceparent?: string;
  readonly data: unknown;
}

/** The handlers over these ports, which differ for an event that is only validated. */
export type HandlersOver = (ports: RecordPorts) => OutsideHandlers;

/** Lets an outside event in, or refuses it. */
export type OutsideDoor = (
  knock: Knock,
  caller: Caller,
  /** Only says what it would answer. */
  validateOnly?: boolean,
) => Promise<OutsideAnswer>;

/** Remembers what was said under one cause, across all resources: a cause that comes back with other content is refused. */
const memory: Decider<null, { readonly content: string }, never> = {
  initial: null,
  decide: (_, { content }) => ignored(content),
  evolve: () => null,
};

function requireType(type: string): OutsideType {
  if (isOutsideType(type)) return type;
  const allowed = Object.keys(OUTSIDE_EVENTS).join(", ");
  const inner = factType(type) !== undefined;
  throw invalidArgument(
    "type",
    inner
      ? `${type} is a fact that only Signalbox itself records. From outside it takes ${allowed}.`
      : `${JSON.stringify(type.slice(0, 100))} is not taken from outside. Send one of ${allowed}.`,
    "EVENT_TYPE_NOT_ALLOWED",
  );
}

/** The text is what JSON says, in the order in which it was said: a sender's retry sends the same. */
const contentOf = (knock: Knock): string =>
  `its content is sha256:${createHash("sha256")
    .update(JSON.stringify([knock.type, knock.data]))
    .digest("hex")}`;

async function handle<T extends OutsideType>(
  handlers: OutsideHandlers,
  event: OutsideEvent<T>,
  caller: Caller,
): Promise<OutsideAnswer> {
  return handlers[event.type](event, caller);
}

/** The door in front of these handlers. The same event again gets the same answer; its id with other content ALREADY_EXISTS. */
export function createOutsideDoor(
  given: RecordPorts & { readonly outsideHandlers: HandlersOver },
): OutsideDoor {
  return async (knock, caller, validateOnly) => {
    const ports = portsFor(given, validateOnly);
    const type = requireType(knock.type);
    requireRole(caller, OUTSIDE_EVENTS[type].role);
    requireSchema(OUTSIDE_EVENTS[type].data, knock.data, "data");
    const cause = outsideCause(caller.principal, knock.source, knock.id);
    const stream = `events/${cause.slice("event/".length)}`;
    const content = contentOf(knock);
    const known = await ports.ledger.decision(stream, cause);
    if (known !== undefined && known.ignored !== content) {
      throw new ControlPlaneError(
        "ALREADY_EXISTS",
        `An event with this source and id came at ${known.time} with other content. Give a new event a new id.`,
        {
          reason: "EVENT_ID_REUSED",
          field: "id",
          metadata: { id: knock.id, source: knock.source, time: known.time },
        },
      );
    }
    const data = knock.data as OutsideEvent<typeof type>["data"];
    const answer = await handle(
      ports.outsideHandlers(ports),
      { type, cause, correlation: knock.traceparent || currentStory() || traceparentOf(cause), data },
      caller,
    );
    // After the handler, so that an event that it refuses may be corrected and sent again under its id.
    await record(ports, memory, { stream, cause, input: { content }, actor: caller.principal });
    return answer;
  };
}
