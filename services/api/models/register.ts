// Registering a model version, by CloudEvent or by the native method: one command behind both doors.
import { notFound } from "../../../shared/domain/errors.ts";
import type { AnyFact, FactOf } from "../../../shared/domain/fact.ts";
import { model, type ModelFact, type ModelInput } from "../../../shared/domain/model.ts";
import { modelVersionDocument, type ResourceDocument } from "../../../shared/domain/model-document.ts";
import { formatName } from "../../../shared/domain/names.ts";
import type { OutsideAnswer, OutsideData, OutsideEvent } from "../../../shared/domain/outside-events.ts";
import type { Caller } from "../../../shared/domain/role.ts";
import { record, type RecordPorts } from "../../../shared/runtime/record.ts";

/** The team of what names none. */
const TEAM_DEFAULT = "default";

/** What a registration says. */
export type Registration = OutsideData<"dev.signalbox.model-version.registered.v1">;

/** The input of the decider for a registration. */
export function registrationInput(registration: Registration): ModelInput & { readonly kind: "create" } {
  const {
    team = TEAM_DEFAULT,
    model,
    version,
    artifact,
    trainingRun,
    datasets,
    commit,
    metrics,
    endpoint,
  } = registration;
  return {
    kind: "create",
    model: formatName("model", { team, model }),
    artifact,
    datasets: datasets ?? [],
    metrics: metrics ?? {},
    ...(version === undefined ? {} : { versionId: version }),
    ...(trainingRun === undefined ? {} : { trainingRun }),
    ...(commit === undefined ? {} : { commit }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

const isModelFact = (fact: AnyFact): fact is FactOf<ModelFact> => fact.type.startsWith("model-version.");

/** The version as the ledger has it, which may be ahead of the views. */
async function resourceOf(ports: RecordPorts, stream: string, name: string): Promise<ResourceDocument> {
  const { facts } = await ports.ledger.read(stream);
  let document: ResourceDocument | undefined;
  for (const fact of facts) {
    if (isModelFact(fact) && fact.data.modelVersion === name) document = modelVersionDocument(document, fact);
  }
  if (document === undefined) throw notFound(name, "Register it first.");
  return document;
}

/**
 * Registers a version under a cause. The same cause gives the same version; so does the same id with the same content
 * (`ignored` says so then). Throws ALREADY_EXISTS for other content under a known id, INVALID_ARGUMENT for a wrong field.
 */
export async function registerModelVersion(
  ports: RecordPorts,
  request: { readonly registration: Registration; readonly cause: string; readonly correlation: string },
  caller: Caller,
): Promise<OutsideAnswer> {
  const input = registrationInput(request.registration);
  const { cause, correlation } = request;
  const stream = input.model;
  const recorded = await record(ports, model, { stream, cause, correlation, input, actor: caller.principal });
  const [fact] = recorded.facts;
  const name = fact?.data.modelVersion ?? `${stream}/versions/${input.versionId ?? ""}`;
  const resource = await resourceOf(ports, stream, name);
  return recorded.status === "ignored" ? { name, resource, ignored: recorded.reason } : { name, resource };
}

/** The handler of `dev.signalbox.model-version.registered.v1`. */
export function modelVersionRegistered(ports: RecordPorts) {
  return (
    { data, cause, correlation }: OutsideEvent<"dev.signalbox.model-version.registered.v1">,
    caller: Caller,
  ): Promise<OutsideAnswer> =>
    registerModelVersion(ports, { registration: data, cause, correlation }, caller);
}
