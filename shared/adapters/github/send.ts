// One request of the code host: its types, the rate limit that stands before it, and its answer, which is never trusted.
import type { Octokit } from "@octokit/core";
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { githubError, limitedForSeconds, rateLimited } from "./errors.ts";

/** How long one request may take. */
export const GITHUB_REQUEST_TIMEOUT_MS = 30_000;
/** Version of the REST API that is asked for: https://docs.github.com/rest/about-the-rest-api/api-versions. */
const API_VERSION = "2022-11-28";

/** What a request is: a route of the REST API with its parameters. */
export interface GithubRequest {
  readonly route: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Names the call in errors: `GitHub acme/web tree 0a1b…`. */
  readonly what: string;
}

/** One page of an answer. */
export interface Page<Data> {
  readonly data: Data;
  /** Links to other pages by relation, as URLs. */
  readonly links: Readonly<Record<string, string>>;
  /** When GitHub answered, by its own clock; undefined when it did not say. */
  readonly answeredMs: number | undefined;
}

/** Sends requests as somebody. Errors: those of `githubError`, and UNAVAILABLE for an answer of another shape. */
export type Send = <Schema extends TSchema>(
  schema: Schema,
  request: GithubRequest,
) => Promise<Page<Static<Schema>>>;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/** Owner and name; refuses what would lead to another path. */
export function repositoryParts(repository: string): { readonly owner: string; readonly repo: string } {
  const parts = repository.split("/");
  const [owner = "", repo = ""] = parts;
  if (parts.length === 2 && parts.every((part) => NAME.test(part) && !part.endsWith(".git")))
    return { owner, repo };
  const shown = JSON.stringify(repository.slice(0, 80));
  throw invalidArgument("repository", `repository is ${shown}: write it as owner/name.`, "INVALID_NAME");
}

function linksOf(header: unknown): Readonly<Record<string, string>> {
  const links: Record<string, string> = {};
  if (typeof header !== "string") return links;
  for (const [, url = "", rel = ""] of header.matchAll(/<([^>]+)>\s*;\s*rel="([a-z]+)"/g)) links[rel] = url;
  return links;
}

/** Whose limit holds until when. GitHub bans those who go on asking, so the next calls fail here. */
export function createGate(clock: Clock) {
  const until = new Map<string, number>();
  return {
    check(scope: string, what: string): void {
      const leftMs = (until.get(scope) ?? 0) - clock.now().getTime();
      if (leftMs > 0) throw rateLimited(what, Math.ceil(leftMs / 1_000));
    },
    note(scope: string, error: unknown): void {
      const seconds = limitedForSeconds(error, clock.now().getTime());
      if (seconds !== undefined) until.set(scope, clock.now().getTime() + seconds * 1_000);
    },
  };
}

function unexpected(what: string, schema: TSchema, data: unknown): ControlPlaneError {
  const [error] = Value.Errors(schema, data);
  const where = error?.instancePath.slice(1).replaceAll("/", ".") || "the answer";
  const message = `${what}: GitHub answered something else than it documents: ${where} ${error?.message ?? "is wrong"}.`;
  return new ControlPlaneError("UNAVAILABLE", message, { reason: "GITHUB_ANSWER" });
}

/** As whom a request is sent. */
export interface Sender {
  readonly octokit: Octokit;
  /** Whose limits hold, and whose remembered answers may be used. */
  readonly scope: string;
  readonly token?: () => Promise<string>;
  /** Called when the token was refused. */
  readonly onRefused?: () => void;
}

/** What all senders of one App share. */
export interface SenderParts {
  readonly clock: Clock;
  readonly gate: ReturnType<typeof createGate>;
  readonly requestTimeoutMs: number;
}

/** Sends once; nothing is tried again here. */
export function createSend({ clock, gate, requestTimeoutMs }: SenderParts, sender: Sender): Send {
  const { octokit, scope, token, onRefused } = sender;
  return async (schema, { route, parameters, what }) => {
    gate.check(scope, what);
    const known = await token?.();
    try {
      const answer = await octokit.request(route, {
        ...parameters,
        headers: {
          "x-github-api-version": API_VERSION,
          "x-signalbox-scope": scope,
          ...(known === undefined ? {} : { authorization: `Bearer ${known}` }),
        },
        request: { signal: AbortSignal.timeout(requestTimeoutMs) },
      });
      const data: unknown = answer.data;
      if (!Value.Check(schema, data)) throw unexpected(what, schema, data);
      const answeredMs = Date.parse(answer.headers.date ?? "") || undefined;
      return { data, links: linksOf(answer.headers.link), answeredMs };
    } catch (error) {
      gate.note(scope, error);
      const translated = githubError(error, what, clock.now().getTime());
      if (known === undefined || translated.reason !== "APP_KEY_REFUSED") throw translated;
      // A token may be revoked before its time: the next try takes a new one.
      onRefused?.();
      const message = `${what}: GitHub refuses the installation's token. A new one is taken for the next try.`;
      throw new ControlPlaneError("UNAVAILABLE", message, { reason: "TOKEN_REFUSED", cause: error });
    }
  };
}

/** An answer that nobody reads. */
export const Anything = Type.Unknown();
