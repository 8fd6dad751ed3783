// One Kubernetes API server for all test files of a run: the first that asks starts it, the end of the run stops it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { type StartedApiServer, startApiServer } from "./apiserver.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where a test asks for the API server. */
    readonly kubernetes: string;
  }
}

/** Runs in the process that outlives all test files; starts nothing before it is asked. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<StartedApiServer> | undefined;
  const broker = createServer((_request, response) => {
    const { KUBEBUILDER_ASSETS: assets = "", SIGNALBOX_TEST_CRDS: definitions = "" } = process.env;
    started ??= startApiServer(assets, definitions);
    started.then(
      ({ url, ca, tokens }) => response.end(JSON.stringify({ url, ca, tokens })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => broker.listen(0, "127.0.0.1", resolve));
  project.provide("kubernetes", `http://127.0.0.1:${(broker.address() as AddressInfo).port}`);
  return async () => {
    broker.closeAllConnections();
    broker.close();
    const server = await started?.catch(() => undefined);
    await server?.stop();
  };
}
