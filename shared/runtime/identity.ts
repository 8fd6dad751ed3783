// Who asks: a bearer token to a principal. Reads principals.json and nothing else, so that it works while the rest is down.
import { createHash, timingSafeEqual } from "node:crypto";
import type { Caller, PersonRole } from "../domain/role.ts";

export type { Role } from "../domain/role.ts";
/** Who asks: name, role, and logins on the code host. */
export type Principal = Caller;

/** Jobs of GitHub Actions that one entry means: of one repository by its number, on a ref or in an environment. */
export interface GithubActionsRule {
  readonly repositoryId: string;
  readonly ownerId: string;
  readonly ref?: string;
  readonly environment?: string;
}

/** One entry of principals.json. */
export interface PrincipalEntry {
  readonly principal: string;
  readonly role: PersonRole;
  readonly codeHostLogins: readonly string[];
  /** `sha256:<hex>` of the token; the token itself is nowhere but in its owner's file. */
  readonly tokenHash?: string;
  /** Accounts of Google that are this one; with `subject`, only as long as the address is that account's. */
  readonly google?: readonly { readonly email: string; readonly subject?: string }[];
  readonly githubActions?: readonly GithubActionsRule[];
}

/** What identity is made from. */
export interface IdentityPorts {
  /** The entries as they stand now. Throws UNAVAILABLE when they cannot be read: then nobody is let in. */
  readonly readPrincipals: () => Promise<readonly PrincipalEntry[]>;
  /** Name of the workflow service that a signed token belongs to, or undefined when the token is not valid. */
  readonly verifyWorkflowToken: (token: string) => Promise<string | undefined>;
}

/** Reason of a refusal: who asks is certain, and nobody here knows them. */
export const PRINCIPAL_UNKNOWN = "PRINCIPAL_UNKNOWN";

/** Answers who asks. Both ways in throw PERMISSION_DENIED `PRINCIPAL_UNKNOWN` for somebody who is certain and whom nobody here knows. */
export interface Identity {
  /** The principal of a bearer token, or undefined. */
  authenticate(token: string): Promise<Principal | undefined>;
  /** A person by name as principals.json says now, or undefined when they are no longer in it. */
  find(principal: string): Promise<Principal | undefined>;
  /** The principal that the proxy in front of us vouches for. Absent where there is none: then its header counts for nothing. */
  vouchedFor?(assertion: string): Promise<Principal | undefined>;
}

/** `sha256:<hex>` of a token. Tokens are 256 random bits, so a plain hash cannot be guessed back. */
export function hashToken(token: string): string {
  return `sha256:${createHash("sha256").update(token).digest("hex")}`;
}

/** A JSON Web Token has three parts; tokens of people have none of their dots. */
const SIGNED_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const person = ({ principal, role, codeHostLogins }: PrincipalEntry): Principal => ({
  principal,
  role,
  codeHostLogins,
});

/** Identity from principals.json and from the tokens of workflow executions. */
export function createIdentity({ readPrincipals, verifyWorkflowToken }: IdentityPorts): Identity {
  return {
    authenticate: async (token) => {
      if (SIGNED_TOKEN.test(token)) {
        const service = await verifyWorkflowToken(token);
        return service === undefined
          ? undefined
          : { principal: service, role: "workflow", codeHostLogins: [] };
      }
      const given = Buffer.from(hashToken(token));
      let found: PrincipalEntry | undefined;
      // Every entry is compared, in constant time each, so that the answer's time says nothing about them.
      for (const entry of await readPrincipals()) {
        const right = Buffer.from(entry.tokenHash ?? "");
        if (right.length === given.length && timingSafeEqual(right, given)) found ??= entry;
      }
      return found === undefined ? undefined : person(found);
    },
    find: async (principal) => {
      const entry = (await readPrincipals()).find((each) => each.principal === principal);
      return entry === undefined ? undefined : person(entry);
    },
  };
}
