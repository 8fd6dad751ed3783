// The identity of workflows on one machine: our issuer vouches for them to our API; Google Cloud sees what the person brought.
import type { WorkflowIdentity } from "../../ports/workflow-identity.ts";

/** Where a person's access token for Google Cloud is looked for. */
export const ACCESS_TOKEN_VARIABLE = "SIGNALBOX_ACCESS_TOKEN";

/** What the identity is made from. */
export interface WorkflowIdentityOptions {
  /** A signed identity token for an audience. */
  readonly mint: (audience: string) => Promise<string>;
  /** The access token that the person brought, if any; read anew for each request, because such tokens last an hour. */
  readonly accessToken?: () => string | undefined;
}

/** Tokens of this machine. Which scopes an access token has was decided where it was made. */
export function createWorkflowIdentity({ mint, accessToken }: WorkflowIdentityOptions): WorkflowIdentity {
  return {
    identityToken: mint,
    async accessToken() {
      const token = accessToken?.();
      if (token !== undefined && token !== "") return token;
      throw new Error(
        `the environment has no ${ACCESS_TOKEN_VARIABLE}: set it, for instance with ` +
          `${ACCESS_TOKEN_VARIABLE}="$(gcloud auth print-access-token)"`,
      );
    },
  };
}
