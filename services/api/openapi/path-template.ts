// From the router's spelling of a path to the one that people and OpenAPI write.

/** `::` is a colon, `:name` a parameter, and `(…)` behind it the pattern that its value must match. */
const TOKEN = /::|:(\w+)(?:\(([^)]*)\))?/g;

/** A path with `{parameters}`, and what the router says about them. */
export interface PathTemplate {
  /** Such as `/v1/teams/{team}/endpoints/{endpoint}:rollback`. */
  readonly path: string;
  /** Parameters in their order, with the pattern that the router asks for, if it does. */
  readonly parameters: readonly { readonly name: string; readonly pattern?: string }[];
}

/** `/v1/stacks/:stack(^[a-z0-9-]+)::unblock` as `/v1/stacks/{stack}:unblock`. */
export function pathTemplate(url: string): PathTemplate {
  const parameters: { name: string; pattern?: string }[] = [];
  const path = url.replaceAll(TOKEN, (token, name: string | undefined, pattern: string | undefined) => {
    if (name === undefined) return token === "::" ? ":" : token;
    // The router matches a whole segment part; a pattern of JSON Schema is not anchored by itself.
    parameters.push(
      pattern === undefined ? { name } : { name, pattern: `^(?:${pattern.replace(/^\^/, "")})$` },
    );
    return `{${name}}`;
  });
  return { path, parameters };
}
