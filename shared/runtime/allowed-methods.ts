// Which methods a path has, so that a wrong method is told from an unknown path. Fastify's router answers 404 to both.

/** Remembers routes and answers with the methods of a path. */
export interface RouteTable {
  add(method: string, pattern: string): void;
  /** Methods of the routes that this path matches, sorted; empty when the path is unknown. */
  methods(path: string): readonly string[];
}

/** `/a/:b/c(^x+)::verb` as a regular expression over paths. */
function toExpression(pattern: string): RegExp {
  const source = pattern.replaceAll(
    /::|:\w+(?:\(\^?([^)]*)\))?|\*|[.+?^${}()|[\]\\]/g,
    (token: string, expression: string | undefined) => {
      if (token === "::") return ":";
      if (token === "*") return ".*";
      if (token.startsWith(":")) return expression === undefined ? "[^/]+?" : `(?:${expression})`;
      return `\\${token}`;
    },
  );
  return new RegExp(`^${source}$`);
}

/** An empty table. */
export function createRouteTable(): RouteTable {
  const routes: { readonly method: string; readonly expression: RegExp }[] = [];
  return {
    add: (method, pattern) => routes.push({ method, expression: toExpression(pattern) }),
    methods: (path) => {
      const found = routes.filter(({ expression }) => expression.test(path)).map(({ method }) => method);
      return [...new Set(found)].sort();
    },
  };
}
