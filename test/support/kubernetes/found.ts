// Whether a real Kubernetes API server can be started here, and the one that all tests of a run share.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { request } from "undici";
import { inject } from "vitest";
import type { ApiServer } from "./apiserver.ts";

const { KUBEBUILDER_ASSETS: assets, SIGNALBOX_TEST_CRDS: definitions } = process.env;

const lacks = [
  ...(assets !== undefined && existsSync(join(assets, "kube-apiserver")) ? [] : ["KUBEBUILDER_ASSETS"]),
  ...(definitions !== undefined && existsSync(definitions) ? [] : ["SIGNALBOX_TEST_CRDS"]),
];

/** Whether tests on a real API server have to be skipped. */
export const KUBERNETES_MISSING = lacks.length > 0;

/** Goes before the title of every group that needs it. */
export const KUBERNETES_NOTE = KUBERNETES_MISSING
  ? `[skipped: ${lacks.join(" and ")} ${lacks.length > 1 ? "name" : "names"} no folder with what a real API server needs] `
  : "";

/** Longest wait for the server, on a machine that is busy. */
export const KUBERNETES_START_MS = 120_000;

/** The API server of this run of tests. Use `KUBERNETES_START_MS` as the time limit of the hook or test that asks first. */
export async function sharedApiServer(): Promise<ApiServer> {
  const answer = await request(inject("kubernetes"), { headersTimeout: KUBERNETES_START_MS });
  if (answer.statusCode !== 200) throw new Error(await answer.body.text());
  return (await answer.body.json()) as ApiServer;
}
