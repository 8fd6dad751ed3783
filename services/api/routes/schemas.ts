// Schemas that several routes share. What validates here is what documents.
import { type TSchema, Type } from "typebox";

/** A resource as a view keeps it: its name, its times, and what its kind adds. */
export const Resource = Type.Object({ name: Type.String() }, { additionalProperties: true });

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

/** Arguments of every list (AIP-158): 0 or no size is the default, a larger one than the most is clamped. */
export const pageArguments = {
  pageSize: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647 })),
  pageToken: Type.Optional(Type.String({ maxLength: 4_096 })),
} as const;

/** A page of entries under the key `plural`; an empty `nextPageToken` is the only sign of the end. */
export function pageOf<Entry extends TSchema>(plural: string, entry: Entry) {
  return Type.Object({ [plural]: Type.Array(entry), nextPageToken: Type.String() });
}
