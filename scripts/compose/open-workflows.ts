// Workflow executions on our engine, and the issuer whose tokens they call the API with.
import type { Database } from "../../shared/adapters/local/database.ts";
import type { Agent } from "undici";
import { createExchange } from "../../shared/adapters/local/executions-http.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import {
  ACCESS_TOKEN_VARIABLE,
  createWorkflowIdentity,
} from "../../shared/adapters/local/workflow-identity.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { createIssuer } from "../../shared/runtime/tokens.ts";
import { shippedWorkflow } from "./shipped.ts";
import type { Keys } from "./state-folder.ts";

/** Who signs for workflow executions of this machine. */
const ISSUER = "https://signalbox.local";

/**
 * The API as workflows of the whole control plane are told it. An execution outlives the process that started it, and the next
 * one may answer on another port: so what stands in an execution's argument and journal is a name, as a backend is.
 */
export const WORKFLOW_API = "http://api.signalbox.internal";

/** The issuer of one installation. */
export const openIssuer = ({ issuerKey }: Pick<Keys, "issuerKey">) =>
  createIssuer({ privateKeyJwk: JSON.parse(issuerKey), issuer: ISSUER, clock });

/**
 * Where a request of a workflow goes: to our API, and nowhere else. The address stands in the argument, which an engineer may
 * choose, so that anywhere else would be a way to ask whatever this machine reaches.
 * Errors: PERMISSION_DENIED `WORKFLOW_TARGET` for any other origin; redirects are looked at like the first address.
 */
function locateApi(url: string, apiUrl: string): string {
  const { origin, href } = new URL(url);
  if (origin === WORKFLOW_API) return `${apiUrl}${href.slice(WORKFLOW_API.length)}`;
  if (origin === new URL(apiUrl).origin) return href;
  throw new ControlPlaneError(
    "PERMISSION_DENIED",
    `Workflows of this control plane call its API only, not ${origin}: give ${WORKFLOW_API} as \`api\`.`,
    { reason: "WORKFLOW_TARGET", metadata: { origin } },
  );
}

/** Opens both. A process that shares the database with others names the one workflow that it alone runs. */
export async function openWorkflows(options: {
  readonly db: Database;
  readonly keys: Pick<Keys, "issuerKey">;
  readonly log: Log;
  readonly only?: string;
  /** Where our own API answers, with a certificate of its own. */
  readonly ownAgent?: (() => Agent) | undefined;
}) {
  const { db, keys, log, only, ownAgent } = options;
  const issuer = openIssuer(keys);
  let apiUrl = WORKFLOW_API;
  const executions = createExecutions({
    db,
    clock,
    log,
    workflow: shippedWorkflow,
    identity: createWorkflowIdentity({
      mint: issuer.mint,
      accessToken: () => process.env[ACCESS_TOKEN_VARIABLE],
    }),
    // Whoever calls back is outside of this process: the address is the real one.
    callbackBase: (workflow, id) =>
      `${apiUrl}/v1/projects/signalbox/locations/local/workflows/${workflow}/executions/${id}/callbacks`,
    locate: (url) => locateApi(url, apiUrl),
    exchange: createExchange((url) => (url.startsWith(`${apiUrl}/`) ? ownAgent?.() : undefined)),
    ...(only === undefined ? {} : { takesUp: (workflow: string) => workflow === only }),
  });
  return {
    issuer,
    executions,
    /** Says where the API answers now; before `executions.resume`. */
    apiAnswersAt(url: string) {
      apiUrl = url;
    },
  };
}
