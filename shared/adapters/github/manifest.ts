// The GitHub App as a manifest, and the exchange that makes one of it: https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
import { Octokit } from "@octokit/core";
import { type Static, Type } from "typebox";
import type { Clock } from "../../ports/clock.ts";
import { createGithubFetch } from "./fetch.ts";
import { createGate, createSend, GITHUB_REQUEST_TIMEOUT_MS } from "./send.ts";

/** The least that the adapters need (decision 0040). `metadata` comes with every App. */
export const APP_PERMISSIONS = {
  checks: "write",
  contents: "read",
  merge_queues: "read",
  metadata: "read",
  pull_requests: "write",
} as const;

/** Events to subscribe to. `installation` and `installation_repositories` come to every App, and check requests with `checks`. */
export const APP_EVENTS = [
  "check_run",
  "check_suite",
  "merge_group",
  "pull_request",
  "pull_request_review",
  "push",
] as const;

/** What a manifest is made from. */
export interface ManifestOptions {
  readonly name: string;
  /** Where GitHub reaches the webhook: `https://host`. */
  readonly url: string;
}

/** The manifest, as GitHub reads it. */
export function appManifest({ name, url }: ManifestOptions) {
  const base = url.replace(/\/+$/, "");
  return {
    name,
    url: base,
    hook_attributes: { url: `${base}/webhooks/github`, active: true },
    redirect_url: base,
    public: false,
    default_permissions: APP_PERMISSIONS,
    default_events: APP_EVENTS,
  };
}

const Conversion = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  slug: Type.String(),
  html_url: Type.String(),
  webhook_secret: Type.String({ minLength: 1 }),
  pem: Type.String({ minLength: 1 }),
});

/** A new App: its id, and the secrets that are handed out this once. */
export type CreatedApp = Static<typeof Conversion>;

/** Exchanges the code that GitHub gave after the manifest was accepted. A code is good once, for an hour. */
export async function convertManifest(options: {
  readonly code: string;
  readonly baseUrl: string;
  readonly clock: Clock;
}): Promise<CreatedApp> {
  const { code, baseUrl, clock } = options;
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const octokit = new Octokit({
    baseUrl,
    userAgent: "signalbox",
    request: { fetch: createGithubFetch() },
    log: quiet,
  });
  const parts = { clock, gate: createGate(clock), requestTimeoutMs: GITHUB_REQUEST_TIMEOUT_MS };
  const send = createSend(parts, { octokit, scope: "public" });
  const { data } = await send(Conversion, {
    route: "POST /app-manifests/{code}/conversions",
    parameters: { code },
    what: "GitHub App manifest",
  });
  return data;
}
