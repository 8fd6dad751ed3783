// The API: every route of `/v1`, and the probes. Routes ask and pass on; they decide nothing.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Builds } from "../../shared/ports/builds.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { Executions } from "../../shared/ports/executions.ts";
import type { Receipts } from "../../shared/ports/receipts.ts";
import type { Views } from "../../shared/ports/views.ts";
import { createPageTokens } from "../../shared/runtime/page-token.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import type { RecordPorts } from "../../shared/runtime/record.ts";
import type { Sessions } from "../../shared/runtime/sessions.ts";
import type { TextSigner } from "../../shared/runtime/signed-text.ts";
import { collectRoutes } from "./openapi/document.ts";
import { createOutsideDoor, type HandlersOver } from "./outside-door.ts";
import { buildRoutes } from "./routes/builds.ts";
import { configurationSchemaRoutes } from "./routes/configuration-schema.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { deliveryRoutes } from "./routes/deliveries.ts";
import { eventRoutes } from "./routes/events.ts";
import { executionRoutes } from "./routes/executions.ts";
import { factStreamRoutes } from "./routes/fact-stream.ts";
import { factRoutes } from "./routes/facts.ts";
import { lineageRoutes, type QueryLineage } from "./routes/lineage.ts";
import { modelRoutes } from "./routes/models.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { resourceRoutes } from "./routes/resources.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { type StackOperations, stackRoutes } from "./routes/stacks.ts";

/** What the API is made from. */
export interface ApiPorts extends RecordPorts {
  readonly log: Log;
  readonly views: Views;
  readonly receipts: Pick<Receipts, "list">;
  readonly deadLetters: Pick<DeadLetters, "list" | "get" | "change">;
  readonly executions: Pick<Executions, "get">;
  readonly builds: Pick<Builds, "status" | "logs">;
  readonly sessions: Sessions;
  readonly signer: TextSigner;
  readonly stackOperations: StackOperations;
  readonly outsideHandlers: HandlersOver;
  readonly queryLineage: QueryLineage;
  /** Routes of other resources, made with their own ports: endpoints, rollouts, runs. */
  readonly routes: readonly FastifyPluginAsyncTypebox[];
}

/** The API as a plugin of a server that `createServer` made. */
export function createApi(ports: ApiPorts): FastifyPluginAsyncTypebox {
  const pageTokens = createPageTokens(ports.signer, ports.clock);
  const outsideDoor = createOutsideDoor(ports);
  const plugins = [
    probeRoutes(),
    configurationSchemaRoutes(),
    sessionRoutes(ports),
    factRoutes({ ledger: ports.ledger, pageTokens }),
    factStreamRoutes(ports),
    resourceRoutes({ views: ports.views, pageTokens }),
    stackRoutes(ports),
    buildRoutes(ports),
    eventRoutes({ outsideDoor }),
    modelRoutes({ outsideDoor }),
    lineageRoutes(ports),
    deliveryRoutes({ receipts: ports.receipts, ledger: ports.ledger, pageTokens }),
    executionRoutes(ports),
    deadLetterRoutes({ ...ports, pageTokens }),
    ...ports.routes,
  ];
  return async (app) => {
    await app.register(openApiRoutes(collectRoutes(app)));
    for (const plugin of plugins) await app.register(plugin);
  };
}
