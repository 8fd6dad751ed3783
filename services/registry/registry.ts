// The registry service: nothing serves before its bytes are what its registration says.
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import { model, type ModelInput } from "../../shared/domain/model.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import { type Artifacts, DIGEST_NOT_KNOWN_YET } from "../../shared/ports/artifacts.ts";
import type { ViewDocument, Views } from "../../shared/ports/views.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { record, type RecordPorts } from "../../shared/runtime/record.ts";
import { inputsOf, withViews } from "../../shared/runtime/with-views.ts";
import { UNVERIFIED_COLLECTION } from "./unverified-views.ts";
import { REGISTRY_VIEWS } from "./views.ts";

/** Versions that one reconciliation looks at; the next one goes on after them. */
export const RECONCILED_VERSIONS_MAX = 25;

const REACTS_TO = ["model-version.created"] as const satisfies readonly FactType[];

/** What this service asks to be told. */
export const REGISTRY_INPUTS = inputsOf(REACTS_TO, REGISTRY_VIEWS);

/** What the registry touches. */
export interface RegistryPorts extends RecordPorts {
  readonly artifacts: Artifacts;
  readonly views: Views;
}

/** Why an artifact that cannot be read is rejected, by the code of the error. */
const REJECTIONS: Readonly<Record<string, string>> = {
  NOT_FOUND: "ARTIFACT_MISSING",
  PERMISSION_DENIED: "ARTIFACT_NOT_ALLOWED",
};

type Created = FactOf<"model-version.created">;

/** Compares an artifact with its registration; undefined while its digest is computed. Throws what may be better the next time. */
async function verdict(
  artifacts: Artifacts,
  { modelVersion, artifact }: Created["data"],
): Promise<ModelInput | undefined> {
  try {
    const found = await artifacts.digest(artifact.uri);
    if (found === artifact.digest) return { kind: "verified", modelVersion };
    const message = `${artifact.uri} has content ${found}, but ${modelVersion} was registered with ${artifact.digest}. Register what is there under a new version id.`;
    return { kind: "rejected", modelVersion, reason: "DIGEST_MISMATCH", message };
  } catch (error) {
    if (error instanceof ControlPlaneError && error.reason === DIGEST_NOT_KNOWN_YET) return undefined;
    if (isTransient(error) || !(error instanceof ControlPlaneError)) throw error;
    const reason = REJECTIONS[error.code] ?? "ARTIFACT_UNREADABLE";
    const message = `${error.message} Put the artifact in place and register it under a new version id.`;
    return { kind: "rejected", modelVersion, reason, message };
  }
}

/** Verifies one version, once: what was decided about this fact stays, even if the artifact is another by now. */
async function verify(ports: RegistryPorts, fact: Created): Promise<void> {
  const { subject: stream, id: cause, correlation } = fact;
  if ((await ports.ledger.decision(stream, cause)) !== undefined) return;
  const input = await verdict(ports.artifacts, fact.data);
  // It is in the view of unverified versions, so the reconciler comes back to it.
  if (input === undefined) return;
  const inputHash = fact.id;
  await record(ports, model, { stream, cause, correlation, input, inputHash, actor: "services/registry" });
}

/** The fact that created a version of the view of unverified ones. */
async function createdFact({ ledger }: RegistryPorts, name: string, document: ViewDocument) {
  const { facts } = await ledger.read(String(document["model"]), Number(document["created"]) - 1);
  return facts.find(
    (fact): fact is Created => fact.type === "model-version.created" && fact.data.modelVersion === name,
  );
}

/**
 * Verifies every new model version: `model-version.verified`, or `model-version.rejected` with a reason. An artifact that
 * cannot be read just now is tried again with the message's redelivery; one whose digest takes a build, with `reconcile`. It also
 * keeps the views of models, datasets and lineage.
 */
export function createRegistry(ports: RegistryPorts): FactService {
  let after: string | undefined;
  return withViews(ports, REGISTRY_VIEWS, {
    name: "registry",
    inputs: REACTS_TO,
    async handle(fact: AnyFact) {
      if (fact.type === "model-version.created") await verify(ports, fact);
    },
    async reconcile() {
      const page = { collection: UNVERIFIED_COLLECTION, limit: RECONCILED_VERSIONS_MAX };
      const waiting = await ports.views.list(after === undefined ? page : { ...page, after });
      after = waiting.length < RECONCILED_VERSIONS_MAX ? undefined : waiting.at(-1)?.key;
      // One that cannot be read holds up no other; what was wrong is told when all have had their turn.
      const failures: unknown[] = [];
      for (const { key, document } of waiting) {
        try {
          const fact = await createdFact(ports, key, document);
          if (fact !== undefined) await verify(ports, fact);
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  });
}
