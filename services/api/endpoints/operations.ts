// Operations of an endpoint after AIP-151: rollbacks to a version that is warmed first. Read from the traffic document alone.
import { formatName } from "../../../shared/domain/names.ts";
import { notFound } from "../../../shared/domain/errors.ts";
import type { TrafficDocument, WarmUp } from "../../../shared/domain/traffic.ts";
import type { TrafficPorts } from "../../../shared/runtime/traffic.ts";
import { ERROR_DOMAIN } from "../../../shared/runtime/errors.ts";

/** Longest time that one call waits for an operation: below the time limits of clients and proxies. */
export const WAIT_SECONDS_MAX = 25;
/** Between two looks of a call that waits. */
const LOOK_MS = 100;

/** Codes of google.rpc.Code that a warm-up ends with. */
const RPC_CODES: Readonly<Record<string, number>> = {
  DEADLINE_EXCEEDED: 4,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
};

/** An operation as the API answers it. */
export interface Operation {
  readonly name: string;
  readonly metadata: {
    readonly from: string;
    readonly to: string;
    readonly state: "WARMING" | "SUCCEEDED" | "FAILED";
    readonly actor: string;
    readonly reason: string;
    readonly createTime: string;
    /** When the version is expected to be ready and traffic to move. */
    readonly etaTime: string;
    readonly endTime?: string;
  };
  readonly done: boolean;
  readonly response?: {
    readonly from: string;
    readonly to: string;
    readonly weights: Record<string, number>;
    readonly epoch: number;
  };
  /** A google.rpc.Status, and its code by name. */
  readonly error?: {
    readonly code: number;
    readonly status: string;
    readonly message: string;
    readonly details: Record<string, unknown>[];
  };
}

function errorOf({ to, end }: WarmUp): Pick<Operation, "error"> {
  if (end?.failure === undefined) return {};
  const { code, reason, message } = end.failure;
  const details = [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: ERROR_DOMAIN, metadata: { to } },
  ];
  return { error: { code: RPC_CODES[code] ?? 2, status: code, message, details } };
}

/** A warm-up as the operation that a caller sees. */
export function operationOf(endpoint: string, warmUp: WarmUp): Operation {
  const { id, from, to, actor, reason, time, eta, end } = warmUp;
  const { epoch } = end ?? {};
  const state = end === undefined ? "WARMING" : epoch === undefined ? "FAILED" : "SUCCEEDED";
  return {
    name: `${endpoint}/operations/${id}`,
    metadata: {
      from,
      to,
      state,
      actor,
      reason,
      createTime: time,
      etaTime: eta,
      ...(end === undefined ? {} : { endTime: end.time }),
    },
    done: end !== undefined,
    ...(epoch === undefined ? {} : { response: { from, to, weights: { [to]: 100 }, epoch } }),
    ...errorOf(warmUp),
  };
}

const warmUpsOf = (document: TrafficDocument | undefined): readonly WarmUp[] =>
  document?.traffic.operations ?? [];

/** The last operations of an endpoint, newest first. */
export async function listOperations(
  { traffic }: Pick<TrafficPorts, "traffic">,
  endpoint: string,
): Promise<readonly Operation[]> {
  return warmUpsOf(await traffic.read(endpoint)).map((warmUp) => operationOf(endpoint, warmUp));
}

/** Which operation. */
export interface OperationIds {
  readonly team: string;
  readonly endpoint: string;
  readonly operation: string;
}

/** One operation. Errors: NOT_FOUND, also for one that has left the document because of newer ones. */
export async function getOperation(
  { traffic }: Pick<TrafficPorts, "traffic">,
  ids: OperationIds,
): Promise<Operation> {
  const endpoint = formatName("endpoint", ids);
  const name = formatName("operation", ids);
  const found = warmUpsOf(await traffic.read(endpoint)).find(({ id }) => id === ids.operation);
  if (found !== undefined) return operationOf(endpoint, found);
  throw notFound(
    name,
    `List /v1/${endpoint}/operations: the last few are kept. Its move is among the facts.`,
  );
}

/** The operation when it is done, or as it stands after `seconds`. */
export async function waitForOperation(
  ports: TrafficPorts,
  ids: OperationIds,
  seconds: number,
): Promise<Operation> {
  const until = ports.clock.now().getTime() + seconds * 1_000;
  for (;;) {
    const operation = await getOperation(ports, ids);
    if (operation.done || ports.clock.now().getTime() >= until) return operation;
    await ports.clock.sleep(LOOK_MS);
  }
}
