// Which installation holds a repository, and tokens of it: kept until shortly before they expire, by the code host's clock.
import { Type } from "typebox";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { repositoryParts, type Send } from "./send.ts";

/** How long it is believed which installation holds a repository. */
export const INSTALLATION_KNOWN_MS = 10 * 60_000;
/** Repositories of which that is remembered. */
export const INSTALLATIONS_KNOWN_MAX = 5_000;
/** A token is not used in the last minutes of its life: clocks differ, and requests take time. */
export const TOKEN_MARGIN_MS = 5 * 60_000;
/** Life of an installation token (https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app). */
const TOKEN_LIFE_MS = 60 * 60_000;

/** An installation. */
export interface Installation {
  readonly id: number;
}

const InstallationAnswer = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  suspended_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
const TokenAnswer = Type.Object({ token: Type.String({ minLength: 1 }), expires_at: Type.String() });

interface Token {
  readonly token: string;
  readonly goodUntilMs: number;
}

function suspended(repository: string): ControlPlaneError {
  const message = `The GitHub App's installation for ${repository} is suspended. Unsuspend it in the account's settings.`;
  return new ControlPlaneError("PERMISSION_DENIED", message, { reason: "INSTALLATION_SUSPENDED" });
}

/** Looks installations and tokens up, and remembers both. Calls under way are shared. */
export function createInstallations({ asApp, clock }: { readonly asApp: Send; readonly clock: Clock }) {
  const known = new Map<string, { readonly id: number; readonly untilMs: number }>();
  const tokens = new Map<number, Token>();
  const underWay = new Map<number, Promise<string>>();
  const now = (): number => clock.now().getTime();

  async function find(repository: string): Promise<Installation> {
    const { owner, repo } = repositoryParts(repository);
    const found = known.get(repository);
    if (found !== undefined && found.untilMs > now()) return found;
    known.delete(repository);
    const { data } = await asApp(InstallationAnswer, {
      route: "GET /repos/{owner}/{repo}/installation",
      parameters: { owner, repo },
      what: `GitHub ${repository}`,
    });
    if (typeof data.suspended_at === "string") throw suspended(repository);
    known.set(repository, { id: data.id, untilMs: now() + INSTALLATION_KNOWN_MS });
    const [oldest] = known.keys();
    if (known.size > INSTALLATIONS_KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    return { id: data.id };
  }

  async function mint(id: number, scope: Readonly<Record<string, unknown>> = {}) {
    const askedMs = now();
    const { data, answeredMs = askedMs } = await asApp(TokenAnswer, {
      route: "POST /app/installations/{installation_id}/access_tokens",
      parameters: { installation_id: id, ...scope },
      what: `GitHub token of installation ${id}`,
    });
    // Both times are of their clock, so that the life between them is right although ours is off.
    const statedMs = Date.parse(data.expires_at) - answeredMs;
    const lifeMs = Number.isFinite(statedMs) ? Math.min(Math.max(0, statedMs), TOKEN_LIFE_MS) : 0;
    return { token: data.token, expiresAt: data.expires_at, goodUntilMs: askedMs + lifeMs - TOKEN_MARGIN_MS };
  }

  async function take(id: number): Promise<string> {
    const { token, goodUntilMs } = await mint(id);
    tokens.set(id, { token, goodUntilMs });
    return token;
  }

  return {
    of: find,
    async token(id: number): Promise<string> {
      const found = tokens.get(id);
      if (found !== undefined && found.goodUntilMs > now()) return found.token;
      const asked = underWay.get(id) ?? take(id).finally(() => underWay.delete(id));
      underWay.set(id, asked);
      return asked;
    },
    forgetToken(id: number): void {
      tokens.delete(id);
      // It may have been uninstalled and installed again, under another id.
      for (const [repository, each] of known) if (each.id === id) known.delete(repository);
    },
    async sourceToken(repository: string) {
      const { repo } = repositoryParts(repository);
      const { id } = await find(repository);
      const { token, expiresAt } = await mint(id, {
        repositories: [repo],
        permissions: { contents: "read" },
      });
      return { token, expiresAt };
    },
  };
}
