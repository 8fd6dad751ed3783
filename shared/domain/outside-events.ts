// The events that may come from outside: an allow-list of types, each with the role that its sender needs.
// No caller can write an inner fact: an outside event is a request, and a decider says what happened.
import { createHash } from "node:crypto";
import { type Static, Type } from "typebox";
import { Artifact } from "./facts-of-serving.ts";
import { RESOURCE_ID, VERSION_ID } from "./names.ts";
import type { Caller, Role } from "./role.ts";
import { RUN_ENTRYPOINT_CHARACTERS_MAX, RUN_TIME_LIMIT_SECONDS_MAX } from "./run-request.ts";

/** Characters of one text in an outside event's data. */
export const OUTSIDE_TEXT_CHARACTERS_MAX = 2_000;
/** Entries of one list in an outside event's data. */
export const OUTSIDE_LIST_MAX = 100;

const strict = { additionalProperties: false } as const;
const Id = Type.String({ pattern: RESOURCE_ID.source });
const VersionId = Type.String({ pattern: VERSION_ID.source });
const Text = Type.String({ minLength: 1, maxLength: OUTSIDE_TEXT_CHARACTERS_MAX });

/** What registering a model version says. Without `version` it gets the next integer; without `team`, `default`. */
export const ModelVersionRegistered = Type.Object(
  {
    team: Type.Optional(Id),
    model: Id,
    version: Type.Optional(VersionId),
    artifact: Type.Object(Artifact.properties, strict),
    /** What trained it, in the sender's words or as a resource name. */
    trainingRun: Type.Optional(Text),
    /** Names of dataset versions; they need not be known yet. */
    datasets: Type.Optional(Type.Array(Text, { maxItems: OUTSIDE_LIST_MAX })),
    commit: Type.Optional(Text),
    metrics: Type.Optional(Type.Record(Type.String(), Type.Number())),
    /** Name of the endpoint on which it shall be rolled out. */
    endpoint: Type.Optional(Text),
  },
  strict,
);

/** Something besides blanks, and nowhere the character that ends an argument of a program. */
const COMMAND_LINE = "^\\s*[^\\s\\x00][^\\x00]*$";

/** A version knows its URI and its digest; what is read by URI is told apart by its digest, so that lineage knows what was read. */
const DatasetInput = Type.Object({ datasetVersion: Text }, strict);
const UriInput = Type.Object({ uri: Text, digest: Text }, strict);

/** What asking for a Ray run says. Without `run` it gets an id derived from the event. */
export const RunRequested = Type.Object(
  {
    team: Type.Optional(Id),
    run: Type.Optional(VersionId),
    entrypoint: Type.String({
      minLength: 1,
      maxLength: RUN_ENTRYPOINT_CHARACTERS_MAX,
      pattern: COMMAND_LINE,
    }),
    runtimeEnvironment: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    inputs: Type.Optional(Type.Array(Type.Union([DatasetInput, UriInput]), { maxItems: OUTSIDE_LIST_MAX })),
    outputUri: Text,
    /** Name of the dataset that the output becomes a version of. */
    dataset: Type.Optional(Text),
    commit: Type.Optional(Text),
    timeLimitSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: RUN_TIME_LIMIT_SECONDS_MAX })),
  },
  strict,
);

/** CloudEvents type → the role its sender needs, and the schema of its data. */
export const OUTSIDE_EVENTS = {
  "dev.signalbox.model-version.registered.v1": { role: "engineer", data: ModelVersionRegistered },
  "dev.signalbox.run.requested.v1": { role: "engineer", data: RunRequested },
} as const satisfies Record<string, { readonly role: Role; readonly data: unknown }>;

/** A type of the allow-list. */
export type OutsideType = keyof typeof OUTSIDE_EVENTS;

/** The data of an outside event, checked. */
export type OutsideData<Type extends OutsideType> = Static<(typeof OUTSIDE_EVENTS)[Type]["data"]>;

/** An outside event that has passed the door: its sender may send it and its data are what the schema says. */
export interface OutsideEvent<Type extends OutsideType> {
  readonly type: Type;
  /** Idempotency key for `record`: the same for the same sender, source and id. */
  readonly cause: string;
  /** W3C `traceparent` that came with it, or empty. */
  readonly correlation: string;
  readonly data: OutsideData<Type>;
}

/** What an outside event led to. The same event gets the same answer again. */
export interface OutsideAnswer {
  /** Full name of the resource that it is about, such as `teams/default/models/ranker/versions/3`. */
  readonly name: string;
  /** The resource as it stands, shaped as the API serves it. */
  readonly resource: Readonly<Record<string, unknown>>;
  /** Why nothing changed, if nothing did. */
  readonly ignored?: string;
}

/**
 * What happens on each type. A handler throws a ControlPlaneError to refuse (field paths start with `data.`), and records
 * under `event.cause`, so that it is safe to call again with the same event.
 */
export type OutsideHandlers = {
  readonly [T in OutsideType]: (event: OutsideEvent<T>, caller: Caller) => Promise<OutsideAnswer>;
};

/** Whether a CloudEvents type is of the allow-list. */
export function isOutsideType(type: string): type is OutsideType {
  return Object.hasOwn(OUTSIDE_EVENTS, type);
}

/** The cause of an outside event: one sender's source and id are one event, whatever another sender calls theirs. */
export function outsideCause(principal: string, source: string, id: string): string {
  const said = JSON.stringify([principal, source, id]);
  return `event/${createHash("sha256").update(said).digest("hex").slice(0, 32)}`;
}
