// Secrets in Secret Manager: the newest version, and the one before it for as long as it is enabled. Kept in memory for minutes.
import { ControlPlaneError, ERROR_CODES, invalidArgument } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Secret, Secrets } from "../../ports/secrets.ts";
import { createSecretVersions, type SecretVersionsOptions } from "./secrets-versions.ts";

/** How long a secret is used without asking: a rotation is seen everywhere after this time. */
export const SECRET_FRESH_MS = 300_000;
/** How long a secret is used on while Secret Manager cannot be reached. */
export const SECRET_STALE_MAX_MS = 3_600_000;

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** Where the secrets are. */
export interface SecretsOptions extends SecretVersionsOptions {
  readonly clock: Clock;
  /** Put before each name: `signalbox-prod-` makes `github-app` the secret `signalbox-prod-github-app`. */
  readonly prefix?: string;
}

/** Secrets of this project. */
export function createSecrets(options: SecretsOptions): Secrets {
  const { clock, prefix = "" } = options;
  const kept = new Map<string, { readonly secret: Secret; readonly at: number }>();
  const underWay = new Map<string, Promise<Secret>>();
  const now = (): number => clock.now().getTime();

  const load = createSecretVersions(options);
  const refresh = (secret: string): Promise<Secret> => {
    const loading =
      underWay.get(secret) ??
      load(secret)
        .then((loaded) => {
          kept.set(secret, { secret: loaded, at: now() });
          return loaded;
        })
        .finally(() => underWay.delete(secret));
    underWay.set(secret, loading);
    return loading;
  };
  return {
    async get(name) {
      if (!NAME.test(name)) {
        throw invalidArgument(
          "name",
          `${JSON.stringify(name.slice(0, 80))} is no name of a secret: use lower-case letters, digits and dashes.`,
          "INVALID_NAME",
        );
      }
      const known = kept.get(prefix + name);
      // A clock that was set back says nothing of how long ago it was: then it is asked for.
      const ageMs = known === undefined ? Number.POSITIVE_INFINITY : Math.abs(now() - known.at);
      if (known !== undefined && ageMs < SECRET_FRESH_MS) return known.secret;
      try {
        return await refresh(prefix + name);
      } catch (error) {
        const isTransient = error instanceof ControlPlaneError && ERROR_CODES[error.code].retry === "again";
        if (known !== undefined && isTransient && ageMs < SECRET_STALE_MAX_MS) return known.secret;
        // Withdrawn, or not known any more: what was kept is not used on.
        if (!isTransient) kept.delete(prefix + name);
        throw error;
      }
    },
  };
}
