// The GitHub App: signs as itself, takes tokens of its installations, and sends requests in an orderly way. Retries are
// the caller's: a call is sent once, and while a limit holds it is not sent at all.
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import { throttling } from "@octokit/plugin-throttling";
import { invalidArgument } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { createGithubFetch } from "./fetch.ts";
import { createInstallations } from "./installations.ts";
import { createGate, createSend, GITHUB_REQUEST_TIMEOUT_MS, type Send } from "./send.ts";

/** What the App is made from. */
export interface GithubAppOptions {
  readonly appId: string;
  /** PEM, as GitHub hands it out. */
  readonly privateKey: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: `https://api.github.com`; `https://HOST/api/v3` for GitHub Enterprise Server. */
  readonly baseUrl?: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly requestTimeoutMs?: number;
  /** `published`: ten requests at once, one write a second, one notification in three (GitHub's advice). `none` is for tests. */
  readonly pacing?: "published" | "none";
}

/** The App as adapters use it. */
export interface GithubApp {
  readonly appId: number;
  /** As the App itself, with its JWT. */
  readonly asApp: Send;
  /** As the installation that holds the repository. NOT_FOUND when the App is not installed there. */
  on(repository: string): Promise<Send>;
  /** A new token that can read the contents of one repository and nothing else. */
  sourceToken(repository: string): Promise<{ readonly token: string; readonly expiresAt: string }>;
}

/** Makes octokit's clients and everything that all calls share. */
export function createGithubApp(options: GithubAppOptions): GithubApp {
  const { clock, log, requestTimeoutMs = GITHUB_REQUEST_TIMEOUT_MS } = options;
  if (!/^[0-9]{1,15}$/.test(options.appId))
    throw invalidArgument("appId", "appId is the number of the GitHub App, as its settings show it.");
  if (!/-----BEGIN (?:RSA )?PRIVATE KEY-----/.test(options.privateKey))
    throw invalidArgument(
      "privateKey",
      "privateKey is no PEM key: download one in the settings of the GitHub App.",
    );
  const parts = { clock, gate: createGate(clock), requestTimeoutMs };
  const warn = (message: string): void => log.warn({}, message);
  const shared = {
    baseUrl: options.baseUrl ?? "https://api.github.com",
    userAgent: "signalbox",
    request: { fetch: createGithubFetch(options.fetch) },
    log: { debug: () => {}, info: () => {}, warn, error: warn },
  };
  const Client = Octokit.plugin(throttling);
  // The plugin paces; it never tries again, because the caller does.
  const throttleOf = (id: string) =>
    options.pacing === "none"
      ? ({ enabled: false } as const)
      : { id, onRateLimit: () => {}, onSecondaryRateLimit: () => {} };

  const auth = { appId: options.appId, privateKey: options.privateKey, log: { warn } };
  const appClient = new Client({ ...shared, authStrategy: createAppAuth, auth, throttle: throttleOf("app") });
  const asApp = createSend(parts, { octokit: appClient, scope: "app" });
  const installations = createInstallations({ asApp, clock });
  const senders = new Map<number, Send>();
  const senderOf = (id: number): Send => {
    const found = senders.get(id);
    if (found !== undefined) return found;
    const scope = `installation-${id}`;
    const send = createSend(parts, {
      octokit: new Client({ ...shared, throttle: throttleOf(scope) }),
      scope,
      token: () => installations.token(id),
      onRefused: () => installations.forgetToken(id),
    });
    senders.set(id, send);
    return send;
  };
  return {
    appId: Number(options.appId),
    asApp,
    on: async (repository) => senderOf((await installations.of(repository)).id),
    sourceToken: (repository) => installations.sourceToken(repository),
  };
}
