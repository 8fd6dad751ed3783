// A process with nothing but workflow executions and their API, for tests that kill it: prints its URL, then answers.
// node executions-process.ts DATABASE
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { workflowExecutionRoutes } from "../../services/api/routes/workflow-executions.ts";
import { listen, rememberingLog, testIdentity } from "../services/door.ts";

/** Waits for two callbacks of one endpoint and tells both, with the environment that it sees. */
const ASKS = `
- make:
    call: events.create_callback_endpoint
    args: {http_callback_method: PUT}
    result: endpoint
- first:
    call: events.await_callback
    args: {callback: "\${endpoint}"}
    result: one
- second:
    call: events.await_callback
    args: {callback: "\${endpoint}"}
    result: two
- done:
    return: ["\${one.http_request.body}", "\${two.http_request.body}"]
`;

const [, , file = ""] = process.argv;
const db = openDatabase(file);
const log = rememberingLog();
let url = "";
const executions = createExecutions({
  db,
  clock,
  log,
  workflow: (name) => (name === "asks" ? ASKS : undefined),
  identity: createWorkflowIdentity({ mint: async () => "token" }),
  callbackBase: (workflow, id) =>
    `${url}/v1/projects/p/locations/l/workflows/${workflow}/executions/${id}/callbacks`,
});
const server = createServer({ clock, log, identity: testIdentity(), drainMs: 0 });
const signer = createTextSigner(Buffer.alloc(32, 7));
await server.register(workflowExecutionRoutes({ clock, signer, workflows: executions.api }));
url = `http://127.0.0.1:${await listen(server)}`;
await executions.resume();
process.stdout.write(`${url}\n`);
