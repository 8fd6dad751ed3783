// What tests of HTTP doors share: people with tokens, a quiet log that remembers, and raw sockets.
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import type { Role } from "../../shared/domain/role.ts";
import {
  createIdentity,
  hashToken,
  type Identity,
  type PrincipalEntry,
} from "../../shared/runtime/identity.ts";
import type { Log, LogFields } from "../../shared/runtime/log.ts";
import type { Server } from "../../shared/runtime/server.ts";

const token = (name: string): string => `sbx_${name.padEnd(40, "0")}`;

/** One person of each role. */
export const PEOPLE = {
  viewer: { principal: "vera", role: "viewer", codeHostLogins: [] },
  engineer: { principal: "ada", role: "engineer", codeHostLogins: ["ada-dev"] },
  operator: { principal: "grace", role: "operator", codeHostLogins: ["grace-ops"] },
  admin: { principal: "admin", role: "admin", codeHostLogins: ["root@example.org"] },
} as const;

/** Entries of principals.json for `PEOPLE`. */
export const ENTRIES: readonly PrincipalEntry[] = Object.values(PEOPLE).map((person) => ({
  ...person,
  tokenHash: hashToken(token(person.principal)),
}));

/** A token that the test identity takes for a workflow execution's. */
export const WORKFLOW_TOKEN = "e30.e30.workflow";

/** Headers of a request by someone with this role. */
export function as(role: Role): { readonly authorization: string } {
  return { authorization: `Bearer ${role === "workflow" ? WORKFLOW_TOKEN : token(PEOPLE[role].principal)}` };
}

/** An identity that knows `PEOPLE` and the workflow token. */
export function testIdentity(entries: readonly PrincipalEntry[] = ENTRIES): Identity {
  return createIdentity({
    readPrincipals: async () => entries,
    verifyWorkflowToken: async (given) => (given === WORKFLOW_TOKEN ? "services/workflows" : undefined),
  });
}

/** One remembered line. */
export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly fields: LogFields;
  readonly message: string;
}

/** A log that keeps its lines. */
export function rememberingLog(): Log & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, info: at("info"), warn: at("warn"), error: at("error") };
}

/** Listens on a free loopback port and answers it. */
export async function listen(server: Server): Promise<number> {
  await server.listen({ host: "127.0.0.1", port: 0 });
  return (server.server.address() as AddressInfo).port;
}

/** Sends these bytes as they are and answers everything that came back until the other side closed, or `limitMs` passed. */
export function rawExchange(
  port: number,
  bytes: string | Uint8Array,
  limitMs = 12_000,
): Promise<{ readonly text: string; readonly closed: boolean }> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host: "127.0.0.1", port }, () => void socket.write(bytes));
    const end = (closed: boolean): void => {
      clearTimeout(limit);
      socket.destroy();
      resolve({ text, closed });
    };
    const limit = setTimeout(() => end(false), limitMs);
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", () => end(true));
    socket.on("close", () => end(true));
  });
}
