// Asking for a run, by CloudEvent or by POST /v1/runs: one command behind both doors.
import { ControlPlaneError, invalidArgument } from "../../../shared/domain/errors.ts";
import type { FactOf } from "../../../shared/domain/fact.ts";
import { shortHash } from "../../../shared/domain/fact.ts";
import { formatName } from "../../../shared/domain/names.ts";
import type { OutsideAnswer, OutsideData, OutsideEvent } from "../../../shared/domain/outside-events.ts";
import type { Caller } from "../../../shared/domain/role.ts";
import type { ResourceDocument } from "../../../shared/domain/model-document.ts";
import { deadlineOf, run, type RunFact, type RunRequest } from "../../../shared/domain/run.ts";
import { runDocument } from "../../../shared/domain/run-document.ts";
import { requireRunRequest, RUN_TIME_LIMIT_SECONDS_DEFAULT } from "../../../shared/domain/run-request.ts";
import { record } from "../../../shared/runtime/record.ts";
import { underData } from "../models/field-paths.ts";
import type { RunPorts } from "./ports.ts";

/** The team of what names none. */
const TEAM_DEFAULT = "default";

/** What asking for a run says. */
export type RunCall = OutsideData<"dev.signalbox.run.requested.v1">;

/** The run as the ledger has it, which may be ahead of the views. */
export async function runResource(ports: Pick<RunPorts, "ledger">, name: string): Promise<ResourceDocument> {
  const { facts } = await ports.ledger.read(name);
  return (facts as readonly FactOf<RunFact>[]).reduce<ResourceDocument>(runDocument, { name });
}

/** Refuses an output that could never be digested, before hours of work go into it. Nothing needs to be there yet. */
async function requireReachable(ports: RunPorts, uri: string): Promise<void> {
  try {
    await ports.artifacts.path(uri);
  } catch (error) {
    if (!(error instanceof ControlPlaneError)) throw error;
    // There may be something already, even more than is copied to us.
    if (error.code === "NOT_FOUND" || error.code === "FAILED_PRECONDITION") return;
    if (error.code !== "PERMISSION_DENIED" && error.code !== "INVALID_ARGUMENT") throw error;
    throw invalidArgument("outputUri", `outputUri cannot be used: ${error.message}`, "OUTPUT_NOT_ALLOWED");
  }
}

function requestOf(call: RunCall): RunRequest {
  return {
    entrypoint: call.entrypoint,
    runtimeEnvironment: call.runtimeEnvironment ?? {},
    inputs: call.inputs ?? [],
    outputUri: call.outputUri,
    ...(call.dataset === undefined ? {} : { dataset: call.dataset }),
    ...(call.commit === undefined ? {} : { commit: call.commit }),
    timeLimitSeconds: call.timeLimitSeconds ?? RUN_TIME_LIMIT_SECONDS_DEFAULT,
  };
}

/**
 * Asks for a run under a cause. The same cause, or the same request under the same id, is the same run (`ignored` says the
 * latter). Without an id the run's id is derived from the cause. Throws ALREADY_EXISTS for another request under a known id.
 */
export async function createRun(
  ports: RunPorts,
  {
    call,
    cause,
    correlation,
  }: { readonly call: RunCall; readonly cause: string; readonly correlation: string },
  caller: Caller,
): Promise<OutsideAnswer> {
  const id = call.run ?? `run-${shortHash(cause)}`;
  const name = formatName("run", { team: call.team ?? TEAM_DEFAULT, run: id });
  const request = requestOf(call);
  // First, because refusals of what follows quote the URI.
  requireRunRequest(name, request);
  await requireReachable(ports, request.outputUri);
  const deadline = deadlineOf(request, ports.clock.now().toISOString());
  const input = { kind: "request", run: name, request, deadline } as const;
  const recorded = await record(ports, run, {
    stream: name,
    cause,
    correlation,
    input,
    inputHash: { kind: "request", run: name, request },
    actor: caller.principal,
  });
  const resource = await runResource(ports, name);
  return recorded.status === "ignored" ? { name, resource, ignored: recorded.reason } : { name, resource };
}

/** The handler of `dev.signalbox.run.requested.v1`. */
export function runRequested(ports: RunPorts) {
  return (
    { data, cause, correlation }: OutsideEvent<"dev.signalbox.run.requested.v1">,
    caller: Caller,
  ): Promise<OutsideAnswer> => underData(() => createRun(ports, { call: data, cause, correlation }, caller));
}
