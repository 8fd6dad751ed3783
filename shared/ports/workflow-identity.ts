/**
 * Tokens for the requests of workflows. Law: a token is for exactly the audience or the scopes that were asked for, and a world
 * that has none rejects with why, in words for the person whose workflow asked.
 */
export interface WorkflowIdentity {
  /** An identity token (OIDC) for `audience`. */
  identityToken(audience: string): Promise<string>;
  /** An access token (OAuth2) of Google Cloud with these scopes. */
  accessToken(scopes: readonly string[]): Promise<string>;
}
