// Cloud Workflows as a service's own process meets it: whoever it is, is let in as an engineer of the engine's own server.
import { onTestFinished } from "vitest";
import { as } from "../../services/door.ts";
import { createExecutionsServer } from "./executions-server.ts";
import { createRestFront, type RestFront } from "./rest-front.ts";

/** A workflow that ends at once with its argument. */
const AT_ONCE = "main:\n  params: [args]\n  steps:\n    - give:\n        return: ${args}\n";

/** Starts it with one workflow of this name, which ends at once. Closed when the test ends. */
export async function startWorkflows(name: string): Promise<RestFront> {
  const server = await createExecutionsServer({ [name]: AT_ONCE });
  const door = await createRestFront(async ({ method, path, query, body }) => {
    const headers = { ...as("engineer"), "content-type": "application/json" };
    const content = method === "GET" ? {} : { body: new Uint8Array(body) };
    const url = `${server.front.url}${path}?${query.toString()}`;
    const answer = await fetch(url, { method, headers, ...content });
    return { status: answer.status, body: await answer.json() };
  });
  onTestFinished(async () => {
    await door.close();
    await server.close();
  });
  return door;
}
