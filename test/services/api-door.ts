// The API behind its door: real SQLite, and stand-ins that say what they were asked.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "fastify";
import { onTestFinished } from "vitest";
import { failedPrecondition, notFound } from "../../shared/domain/errors.ts";
import type { OutsideAnswer, OutsideHandlers } from "../../shared/domain/outside-events.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { type ApiPorts, createApi } from "../../services/api/app.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";
import { createWorld } from "../support/world.ts";
import { testIdentity } from "./door.ts";

/** One route, as it was registered. */
export interface SeenRoute {
  readonly method: string;
  readonly url: string;
  readonly role: string | undefined;
}

/** An API over a fresh world. `calls` keeps what its stand-ins were asked. */
export async function apiDoor(more: Partial<ApiPorts> = {}) {
  const world = createWorld({});
  const calls: unknown[] = [];
  const seen: SeenRoute[] = [];
  const routes: RouteOptions[] = [];
  const signer = createTextSigner(Buffer.alloc(32, 9));
  const sessions = createSessions(createMemoryGrants(), world.clock);
  const answer = async (event: { cause: string; data: unknown }): Promise<OutsideAnswer> => {
    calls.push(event);
    const name = "teams/default/models/ranker/versions/1";
    return { name, resource: { name, state: "CREATED", cause: event.cause } };
  };
  const outsideHandlers: OutsideHandlers = {
    "dev.signalbox.model-version.registered.v1": answer,
    "dev.signalbox.run.requested.v1": answer,
  };
  const ports: ApiPorts = {
    ...world,
    signer,
    sessions,
    outsideHandlers: () => outsideHandlers,
    executions: { get: async () => undefined },
    builds: {
      status: async (id) =>
        id === "known" ? { state: "running", startedAt: "2026-01-02T03:04:05.000Z" } : { state: "unknown" },
      logs: async (_, offset) => ({ text: "Plan: 2 to add.\n<b>".slice(offset), next: 19, complete: false }),
    },
    stackOperations: {
      approvePlan: async (request, caller) => {
        calls.push({ request, caller });
        return { ...request, approvals: 1, approvalsRequired: 1, approved: true };
      },
      unblockStack: () =>
        Promise.reject(
          failedPrecondition("NOT_BLOCKED", "The stack is not blocked: there is nothing to unblock."),
        ),
    },
    queryLineage: async (question) => {
      calls.push(question);
      if (question.name.includes("unknown")) throw notFound(question.name, "Register it first.");
      return { name: question.name, nodes: [] };
    },
    routes: [] as readonly FastifyPluginAsyncTypebox[],
    ...more,
  };
  const app = createServer({ clock: world.clock, log: world.log, identity: testIdentity(), sessions });
  app.addHook("onRoute", (route) => {
    const { method, url, config } = route;
    routes.push(route);
    for (const each of [method].flat()) seen.push({ method: each, url, role: config?.role });
  });
  await app.register(createApi(ports));
  await app.ready();
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  /** Puts documents as a projection would. */
  const put = async (collection: string, ...names: readonly string[]): Promise<void> => {
    const puts = names.map((name) => ({
      collection,
      key: name,
      document: { name, createTime: "2026-01-02T03:04:05.000Z" },
    }));
    const stream = `${collection}-${names.join()}`;
    await world.views.commit({ projection: "test", stream, expected: 0, seen: 1, puts });
  };
  return { app, world, calls, seen, routes, put };
}
