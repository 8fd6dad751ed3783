// The registry service: nothing serves before its bytes are what its registration says.
import { ControlPlaneError, isTransient } from "../../shared/domain/errors.ts";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import { model, type ModelInput } from "../../shared/domain/model.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import type { Views } from "../../shared/ports/views.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { record, type RecordPorts } from "../../shared/runtime/record.ts";
import { inputsOf, withViews } from "../../shared/runtime/with-views.ts";
import { REGISTRY_VIEWS } from "./views.ts";

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

/** Compares an artifact with its registration. Throws what may be better the next time. */
async function verdict(
  artifacts: Artifacts,
  { modelVersion, artifact }: FactOf<"model-version.created">["data"],
): Promise<ModelInput> {
  try {
    const found = await artifacts.digest(artifact.uri);
    if (found === artifact.digest) return { kind: "verified", modelVersion };
    const message = `${artifact.uri} has content ${found}, but ${modelVersion} was registered with ${artifact.digest}. Register what is there under a new version id.`;
    return { kind: "rejected", modelVersion, reason: "DIGEST_MISMATCH", message };
  } catch (error) {
    if (isTransient(error) || !(error instanceof ControlPlaneError)) throw error;
    const reason = REJECTIONS[error.code] ?? "ARTIFACT_UNREADABLE";
    const message = `${error.message} Put the artifact in place and register it under a new version id.`;
    return { kind: "rejected", modelVersion, reason, message };
  }
}

/**
 * Verifies every new model version: `model-version.verified`, or `model-version.rejected` with a reason. An artifact that
 * cannot be read just now is tried again with the message's redelivery. It also keeps the views of models, datasets and lineage.
 */
export function createRegistry(ports: RegistryPorts): FactService {
  return withViews(ports, REGISTRY_VIEWS, {
    name: "registry",
    inputs: REACTS_TO,
    async handle(fact: AnyFact) {
      if (fact.type !== "model-version.created") return;
      const { subject: stream, id: cause, correlation } = fact;
      // What was decided about this fact stays, even if the artifact is another by now.
      if ((await ports.ledger.decision(stream, cause)) !== undefined) return;
      const input = await verdict(ports.artifacts, fact.data);
      const inputHash = fact.id;
      await record(ports, model, {
        stream,
        cause,
        correlation,
        input,
        inputHash,
        actor: "services/registry",
      });
    },
  });
}
