// The engine's own server of the Workflow Executions API, behind a front that can lose its answers.
import workflowsModule from "@google-cloud/workflows";
import { openDatabase } from "../../../shared/adapters/local/database.ts";
import { createExecutions } from "../../../shared/adapters/local/executions.ts";
import { createWorkflowIdentity } from "../../../shared/adapters/local/workflow-identity.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { createServer } from "../../../shared/runtime/server.ts";
import { createTextSigner } from "../../../shared/runtime/signed-text.ts";
import { workflowExecutionRoutes } from "../../../services/api/routes/workflow-executions.ts";
import { as, listen, rememberingLog, testIdentity } from "../../services/door.ts";
import { clientOptions, createRestFront, restError, type RestFront } from "./rest-front.ts";

/** A project with workflows in it. */
export interface ExecutionsServer {
  readonly front: RestFront;
  readonly client: InstanceType<typeof workflowsModule.ExecutionsClient>;
  readonly close: () => Promise<void>;
}

/** Starts it with these workflows deployed. */
export async function createExecutionsServer(
  workflows: Readonly<Record<string, string>>,
  {
    activeMax,
    token: minted = "token",
    project = "",
  }: {
    readonly activeMax?: number;
    readonly token?: string;
    /** The one that the caller may see; default: all. */
    readonly project?: string;
  } = {},
): Promise<ExecutionsServer> {
  const db = openDatabase(":memory:");
  const log = rememberingLog();
  const executions = createExecutions({
    db,
    clock: systemClock,
    log,
    workflow: (name) => workflows[name],
    identity: createWorkflowIdentity({ mint: async () => minted }),
    ...(activeMax === undefined ? {} : { activeMax }),
  });
  const server = createServer({ clock: systemClock, log, identity: testIdentity(), drainMs: 0 });
  const signer = createTextSigner(Buffer.alloc(32, 7));
  await server.register(workflowExecutionRoutes({ clock: systemClock, signer, workflows: executions.api }));
  const base = `http://127.0.0.1:${await listen(server)}`;
  const front = await createRestFront(async ({ method, path, query, headers, body }) => {
    // The engine's server is of any project; Google's says no more than this of one that the caller may not see.
    if (!path.startsWith(`/v1/projects/${project === "" ? "" : `${project}/`}`))
      return restError(403, "PERMISSION_DENIED", `Permission denied on ${path} (or it may not exist).`);
    const { authorization = "", "content-type": type = "application/json" } = headers;
    const content =
      method === "GET"
        ? {}
        : { body: new Uint8Array(body), headers: { authorization, "content-type": type } };
    const answer = await fetch(`${base}${path}?${query.toString()}`, {
      method,
      headers: { authorization },
      ...content,
    });
    return { status: answer.status, body: await answer.json() };
  });
  const token = as("engineer").authorization.slice("Bearer ".length);
  const client = new workflowsModule.ExecutionsClient(clientOptions(front, token));
  return {
    front,
    client,
    close: async () => {
      await client.close();
      await front.close();
      await executions.close();
      await server.close();
      db.close();
    },
  };
}
