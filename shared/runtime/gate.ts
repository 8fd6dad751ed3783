// Who comes in at a door: first who asks and whether they may, then whether there is room for one more.
import type { FastifyReply, FastifyRequest } from "fastify";
import { ControlPlaneError } from "../domain/errors.ts";
import { requireRole, sessionCookieName, whoAsks } from "./authenticate.ts";
import { type Identity, type Principal, PRINCIPAL_UNKNOWN } from "./identity.ts";
import type { Sessions } from "./sessions.ts";
import { addressOf, type Shedding } from "./shedding.ts";

/** What a door lets in by. */
export interface Gate {
  readonly identity: Identity;
  readonly sessions: Sessions | undefined;
  readonly shedding: Shedding;
}

/** Somebody who is nobody here, whether or not it is certain who they are elsewhere. */
const isStranger = ({ code, reason }: ControlPlaneError): boolean =>
  code === "UNAUTHENTICATED" || reason === PRINCIPAL_UNKNOWN;

const addressOfRequest = (request: FastifyRequest): string => addressOf(request.socket.remoteAddress);

/**
 * Who asks, with the role that the route needs; undefined on a public route. Credentials are looked at first, which costs
 * little, so that strangers who share an address with a known caller cannot use up what that caller may do.
 */
export async function letIn(
  { identity, sessions, shedding }: Gate,
  request: FastifyRequest,
): Promise<Principal | undefined> {
  const { role = "workflow", lane = "ordinary" } = request.routeOptions.config;
  if (request.is404 || role === "public") {
    if (request.is404 || lane === "ordinary") shedding.spendStranger(addressOfRequest(request));
    return undefined;
  }
  const cookieName = sessionCookieName(request.socket.localPort);
  const { rawHeaders } = request.raw;
  try {
    const caller = await whoAsks(identity, sessions, { method: request.method, rawHeaders }, cookieName);
    requireRole(caller, role);
    // The workflow engine is ours, and bounded by its executions.
    if (caller.role !== "workflow" && lane !== "rollback") shedding.spendCaller(caller.principal);
    return caller;
  } catch (error) {
    if (error instanceof ControlPlaneError && isStranger(error))
      shedding.spendStranger(addressOfRequest(request));
    throw error;
  }
}

/** Takes a place until the answer has gone out or its connection has ended. */
export function takePlace(
  shedding: Shedding,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Principal | undefined,
): void {
  if (caller?.role === "workflow") return;
  const { lane = "ordinary" } = request.routeOptions.config;
  const leave = shedding.enter(lane, caller?.principal ?? addressOfRequest(request));
  reply.raw.once("finish", leave).once("close", leave);
}
