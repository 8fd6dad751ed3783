// Schemas that several routes share. What validates here is what documents.
import { type TSchema, Type } from "typebox";
import { idKeys, idPattern, type NameIds, type NameKind, orWildcard } from "../../../shared/domain/names.ts";

/** A resource as a view keeps it: its name, its times, and what its kind adds. */
export const Resource = Type.Object({ name: Type.String() }, { additionalProperties: true });

const idsOf = <Ids>(keys: readonly string[], patternOf: (key: string) => string): Type.TUnsafe<Ids> =>
  Type.Unsafe<Ids>(
    Type.Object(Object.fromEntries(keys.map((key) => [key, Type.String({ pattern: patternOf(key) })]))),
  );

/** The ids in the path of one resource of this kind. */
export const nameParams = <Kind extends NameKind>(kind: Kind): Type.TUnsafe<NameIds<Kind>> =>
  idsOf<NameIds<Kind>>(idKeys(kind), (key) => idPattern(key).source);

type ParentIds<Kind extends NameKind> = Omit<
  NameIds<Kind>,
  Kind extends "modelVersion" | "datasetVersion" ? "version" : Kind
>;

/** The ids in the path of the parent of this kind, where a new one is made. */
export const parentParams = <Kind extends NameKind>(kind: Kind): Type.TUnsafe<ParentIds<Kind>> =>
  idsOf<ParentIds<Kind>>(idKeys(kind).slice(0, -1), (key) => idPattern(key).source);

/** The ids in the path of a list of this kind, where `-` stands for every parent. */
export const listParams = (kind: NameKind) =>
  idsOf<Readonly<Record<string, string>>>(idKeys(kind).slice(0, -1), (key) =>
    orWildcard(idPattern(key).source),
  );

/** The body of every error answer (AIP-193). */
export const ErrorResponse = Type.Object({
  error: Type.Object({
    code: Type.Integer(),
    status: Type.String(),
    message: Type.String(),
    details: Type.Array(Type.Object({}, { additionalProperties: true })),
  }),
});

/** Error answers of any route, to spread into its `response`. */
export const errorResponses = { "4xx": ErrorResponse, "5xx": ErrorResponse } as const;

/** Asks only whether the call would be taken and what it would answer (AIP-163); nothing changes. */
export const ValidateOnly = Type.Optional(Type.Boolean());

/** A moment: RFC 3339 with a time zone. */
export const Time = Type.String({
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$",
});

/** Arguments of every list (AIP-158): 0 or no size is the default, a larger one than the most is clamped. */
export const pageArguments = {
  pageSize: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
  pageToken: Type.Optional(Type.String({ maxLength: 4_096 })),
} as const;

/** A page of entries under the key `plural`; an empty `nextPageToken` is the only sign of the end. */
export function pageOf<Entry extends TSchema>(plural: string, entry: Entry) {
  return Type.Object({ [plural]: Type.Array(entry), nextPageToken: Type.String() });
}
