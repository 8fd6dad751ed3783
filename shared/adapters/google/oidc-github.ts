// Tokens of GitHub Actions jobs. One issuer signs for all repositories of GitHub, so what the job is must be looked at, not only that it is one.
import type { Clock } from "../../ports/clock.ts";
import type { GithubActionsRule } from "../../runtime/identity.ts";
import { createOidcKeys, type OidcKeys } from "./oidc-keys.ts";
import type { Claims, OidcRule } from "./oidc.ts";

/** The issuer of GitHub Actions. */
export const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";
/** Where its keys are. */
export const GITHUB_KEYS_URL = `${GITHUB_ISSUER}/.well-known/jwks`;

/** Events whose jobs run what a stranger proposed (GitHub's page "Events that trigger workflows": refs/pull/N/merge), or in their name. */
const PROPOSED: ReadonlySet<unknown> = new Set([
  "pull_request",
  "pull_request_target",
  "pull_request_review",
  "pull_request_review_comment",
  "issue_comment",
]);

/** The keys of GitHub Actions. */
export function githubKeys(clock: Clock, url: string = GITHUB_KEYS_URL): OidcKeys {
  return createOidcKeys({ url, algorithm: "RS256", clock });
}

/** Which tokens are looked at. */
export function githubRule(audience: string, keys: OidcKeys, clock: Clock): OidcRule {
  return { issuers: [GITHUB_ISSUER], audiences: [audience], algorithm: "RS256", keys, clock };
}

/**
 * Whether a job with these claims is one that the rule means. Repositories are known by number, because a name that is given up
 * can be taken by somebody else; jobs of proposals never are, whatever the rule says.
 */
export function isMeantJob(claims: Claims, rule: GithubActionsRule): boolean {
  const {
    event_name: event,
    repository_id: repository,
    repository_owner_id: owner,
    ref,
    environment,
  } = claims;
  return (
    typeof event === "string" &&
    !PROPOSED.has(event) &&
    repository === rule.repositoryId &&
    owner === rule.ownerId &&
    (rule.ref === undefined || ref === rule.ref) &&
    (rule.environment === undefined || environment === rule.environment)
  );
}
