// What the rollout service stands on at Google Cloud, besides the stores. Loaded only there. Opening asks nobody: secrets are read
// and libraries loaded when a backend is first put behind an endpoint.
import { createGithubCodeHost } from "../../shared/adapters/github/code-host.ts";
import { withRoutes } from "../../shared/adapters/kubernetes/endpoint-routes.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import type { CodeHost } from "../../shared/ports/code-host.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { openedOnce } from "../../shared/runtime/opened-once.ts";
import { rememberedCodeHost } from "../../shared/runtime/remembered-code-host.ts";
import { openGithubApp } from "./open-google-github.ts";
import {
  type DeploysClients,
  type DeploysSettings,
  openGoogleDeploys,
  openGoogleServing,
  type ServingClients,
} from "./open-google-serving.ts";

/** Where manifests are read. */
export type Manifests = Pick<CodeHost, "tree" | "blob">;

/** Manifests in repositories of GitHub. The App's key is read with the first of them. */
export function openGithubManifests(secrets: Secrets, log: Log): Manifests {
  const opened = openedOnce(async () =>
    rememberedCodeHost(createGithubCodeHost({ app: await openGithubApp(secrets, log), clock })),
  );
  return {
    tree: async (repository, tree) => (await opened()).tree(repository, tree),
    blob: async (repository, objectId) => (await opened()).blob(repository, objectId),
  };
}

/** Opens it. */
export function openGoogleRollout(
  settings: DeploysSettings,
  ports: {
    readonly log: Log;
    readonly manifests: Manifests;
    readonly artifacts: Pick<Artifacts, "digest">;
    /** The workflows whose executions it starts. */
    readonly workflows: readonly string[];
  },
  clients: ServingClients & DeploysClients = {},
) {
  const { log, manifests, artifacts, workflows } = ports;
  const serving = openGoogleServing(settings, { log, workflows }, clients);
  const digest = (uri: string): Promise<string> => artifacts.digest(uri);
  const deploys = openGoogleDeploys(settings, { serving, codeHost: manifests, digest }, clients);
  return { ...serving, deploys: withRoutes(deploys, serving.traffic) };
}
