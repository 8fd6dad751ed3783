// Ids of builds. They become folders, objects and tags, so they hold nothing that could lead elsewhere.
import { invalidArgument } from "./errors.ts";

const ID = /^[a-z0-9][-a-z0-9]{0,199}$/;

/** The id when it is one; INVALID_ARGUMENT otherwise. */
export function requireBuildId(id: string): string {
  if (ID.test(id)) return id;
  const shown = JSON.stringify(id.slice(0, 80));
  throw invalidArgument(
    "id",
    `${shown} is not a build id: use up to 200 lower-case letters, digits and dashes.`,
  );
}
