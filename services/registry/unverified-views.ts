// The versions whose content nobody has compared with their registration yet: what the reconciler looks at.
import type { Projection } from "../../shared/runtime/project.ts";

/** The collection: name of a version → the version of the fact that created it. */
export const UNVERIFIED_COLLECTION = "unverifiedModelVersions";

const TYPES = [
  "model-version.created",
  "model-version.verified",
  "model-version.rejected",
  "model-version.quarantined",
] as const;

/** Collection `unverifiedModelVersions`. */
export const unverifiedViews: Projection = {
  name: "unverified-model-versions",
  types: TYPES,
  async apply(fact) {
    const isMine = TYPES.some((type) => type === fact.type);
    if (!isMine || !("modelVersion" in fact.data)) return [];
    const { modelVersion: key } = fact.data;
    if (fact.type !== "model-version.created")
      return [{ collection: UNVERIFIED_COLLECTION, key, document: null }];
    const document = { name: key, model: fact.subject, created: fact.version };
    return [{ collection: UNVERIFIED_COLLECTION, key, document }];
  },
};
