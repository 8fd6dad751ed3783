// Who asks, on Google Cloud: tokens of Google, assertions of IAP and tokens of GitHub Actions, mapped to the people of principals.json.
import { ControlPlaneError } from "../../domain/errors.ts";
import {
  type Identity,
  type Principal,
  PRINCIPAL_UNKNOWN,
  type PrincipalEntry,
} from "../../runtime/identity.ts";
import { WORKFLOWS_PRINCIPAL } from "../../runtime/tokens.ts";
import { isMeantJob } from "./oidc-github.ts";
import { type Claims, type OidcRule, unverifiedIssuer, verifyOidc } from "./oidc.ts";

/** What identity on Google Cloud is made from. Whose rule is absent, is not let in that way. */
export interface GoogleIdentityOptions {
  /** Everybody else: tokens of our own. */
  readonly others: Identity;
  readonly readPrincipals: () => Promise<readonly PrincipalEntry[]>;
  /** Identity tokens of Google, of people and of service accounts. */
  readonly google?: OidcRule;
  /** Assertions of IAP. */
  readonly iap?: OidcRule;
  /** Tokens of GitHub Actions. */
  readonly github?: OidcRule;
  /** The service account as which Cloud Workflows calls us. */
  readonly workflowsAccount?: string;
}

const person = ({ principal, role, codeHostLogins }: PrincipalEntry): Principal => ({
  principal,
  role,
  codeHostLogins,
});

/** The claims, or undefined for a token that is no good; UNAVAILABLE passes, because then it is not known. */
async function good(token: string, rule: OidcRule): Promise<Claims | undefined> {
  try {
    return await verifyOidc(token, rule);
  } catch (error) {
    if (error instanceof ControlPlaneError && error.code === "UNAVAILABLE") throw error;
    return undefined;
  }
}

/** Whom Google vouches for is told the address that an admin has to know: it is their own. */
function unknown(email: string): ControlPlaneError {
  return new ControlPlaneError(
    "PERMISSION_DENIED",
    `${email} may come to this door, and is nobody here yet: ask an admin for an entry in principals with this account of Google.`,
    { reason: PRINCIPAL_UNKNOWN, metadata: { email } },
  );
}

/** The letters of ASCII alone: to lower all of Unicode would make one address of two. */
const lowered = (email: string): string => email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * No two accounts of Google differ in case alone, and some are written as their owner once typed them; principals.json takes lower
 * case only. The subject is pinned where the entry has it: another account that got the address is as unknown as a stranger.
 */
function ofGoogle(
  entries: readonly PrincipalEntry[],
  email: unknown,
  subject: string,
): Principal | undefined {
  if (typeof email !== "string") return undefined;
  const address = lowered(email);
  const found = entries.find(({ google = [] }) =>
    google.some((each) => each.email === address && (each.subject === undefined || each.subject === subject)),
  );
  if (found === undefined) throw unknown(email);
  return person(found);
}

/** Identity over these rules. A token is verified by the rule of the issuer that it names, and by no other. */
export function createGoogleIdentity(options: GoogleIdentityOptions): Identity {
  const { others, readPrincipals, google, iap, github, workflowsAccount } = options;
  const byGoogle = async (token: string, rule: OidcRule): Promise<Principal | undefined> => {
    const claims = await good(token, rule);
    if (claims?.["email_verified"] !== true) return undefined;
    const { email, sub } = claims;
    if (workflowsAccount !== undefined && email === workflowsAccount)
      return { principal: WORKFLOWS_PRINCIPAL, role: "workflow", codeHostLogins: [] };
    return ofGoogle(await readPrincipals(), email, sub);
  };
  const byGithub = async (token: string, rule: OidcRule): Promise<Principal | undefined> => {
    const claims = await good(token, rule);
    if (claims === undefined) return undefined;
    const found = (await readPrincipals()).find(({ githubActions = [] }) =>
      githubActions.some((each) => isMeantJob(claims, each)),
    );
    return found === undefined ? undefined : person(found);
  };
  return {
    async authenticate(token) {
      const issuer = unverifiedIssuer(token);
      if (typeof issuer === "string") {
        if (google?.issuers.includes(issuer) === true) return byGoogle(token, google);
        if (github?.issuers.includes(issuer) === true) return byGithub(token, github);
      }
      return others.authenticate(token);
    },
    find: (principal) => others.find(principal),
    ...(iap === undefined
      ? {}
      : {
          async vouchedFor(assertion: string) {
            const claims = await good(assertion, iap);
            if (claims === undefined) return undefined;
            // IAP writes who issued the identity before its number.
            const subject = claims.sub.replace(/^accounts\.google\.com:/, "");
            return ofGoogle(await readPrincipals(), claims["email"], subject);
          },
        }),
  };
}
