// Who may come in on Google Cloud: people as IAP vouches for them, programs by tokens of Google and of GitHub Actions. Loaded only there.
import { createGoogleIdentity } from "../../shared/adapters/google/identity.ts";
import { githubKeys, githubRule } from "../../shared/adapters/google/oidc-github.ts";
import { iapKeys, iapRule } from "../../shared/adapters/google/oidc-iap.ts";
import { GOOGLE_ISSUERS, googleKeys } from "../../shared/adapters/google/push-token.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import { createIdentity, type Identity } from "../../shared/runtime/identity.ts";
import { createPrincipalsOfSecret } from "../../shared/runtime/principals-secret.ts";

type ReadPrincipals = ReturnType<typeof createPrincipalsOfSecret>;

/** Tokens of our own: those of people. Executions run in Cloud Workflows, so nobody signs as an issuer of ours, and none is believed. */
const own = (readPrincipals: ReadPrincipals): Identity =>
  createIdentity({ readPrincipals, verifyWorkflowToken: async () => undefined });

/** The principals, read once before anybody asks: an edge without them could only refuse, and a later outage finds them kept. */
export async function openPrincipals(secrets: Secrets): Promise<ReadPrincipals> {
  const readPrincipals = createPrincipalsOfSecret(secrets);
  await readPrincipals();
  return readPrincipals;
}

/** Behind IAP: whom it vouches for at this audience. */
export const identityOfPeople = (readPrincipals: ReadPrincipals, audience: string): Identity =>
  createGoogleIdentity({
    others: own(readPrincipals),
    readPrincipals,
    iap: iapRule([audience], iapKeys(clock), clock),
  });

/** Behind IAM: tokens of Google for one of the audiences, the workflows' among them, and of GitHub Actions for the URL. */
export function identityOfPrograms(
  readPrincipals: ReadPrincipals,
  {
    audiences,
    url,
    workflowsAccount,
    checkedInFront,
  }: {
    readonly audiences: readonly string[];
    readonly url: string;
    readonly workflowsAccount: string;
    /** Whether this is Cloud Run, which takes the signatures of Google's tokens away: see `OidcRule`. */
    readonly checkedInFront: boolean;
  },
): Identity {
  const google = {
    issuers: GOOGLE_ISSUERS,
    audiences,
    algorithm: "RS256",
    keys: googleKeys(clock),
    clock,
    checkedInFront,
  } as const;
  const github = githubRule(url, githubKeys(clock), clock);
  return createGoogleIdentity({
    others: own(readPrincipals),
    readPrincipals,
    google,
    github,
    workflowsAccount,
  });
}
