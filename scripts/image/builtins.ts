// Node's own modules in a bundle. `import` of one makes Node read everything that the module exports, and several exports load other
// modules when they are read: `node:http` its HTTP/2, WebSocket and Worker, 66 modules and as much time again as Node itself takes to
// start. A bundle takes what it names, and no more.
import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const requireHere = createRequire(import.meta.url);
const NAMESPACE = "node-builtin";
const NAMESPACE_LATER = "node-builtin-later";
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/**
 * What is asked for at the top of files and is not used by a start: HTTP/2 (which brings TLS) and DNS by fastify, assertions by most,
 * cryptography by us. Each is loaded when something of it is read. A package that takes names of one at its top loads it at once, as it did.
 */
const LATER = /^(?:node:)?(?:assert|crypto|dns|http2|https|tls)$/;

/** Whether nothing but a call of it can matter: no class, and nothing hangs on it, such as how it becomes a promise. */
export const isPlainFunction = (name: string, value: unknown): boolean =>
  typeof value === "function" &&
  /^[a-z]/.test(name) &&
  Reflect.ownKeys(value).every((key) => ["length", "name", "prototype"].includes(String(key)));

/** A module with the same exports, each read only where something imports it: esbuild leaves the others out, because they are marked pure. */
function moduleOf(path: string): string {
  const all = requireHere(path) as Readonly<Record<string, unknown>>;
  const names = Object.getOwnPropertyNames(all).filter((name) => IDENTIFIER.test(name) && name !== "default");
  // Without asking getters: some answer with a warning.
  const valueOf = (name: string): unknown => Object.getOwnPropertyDescriptor(all, name)?.value;
  return [
    `const all = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)});`,
    ...names.map((name) =>
      LATER.test(path) && isPlainFunction(name, valueOf(name))
        ? `const $${name} = (...args) => process.getBuiltinModule(${JSON.stringify(path)}).${name}(...args);`
        : `const $${name} = /* @__PURE__ */ (() => all.${name})();`,
    ),
    `export { ${names.map((name) => `$${name} as ${name}`).join(", ")} };`,
    "export default all;",
  ].join("\n");
}

/** A module with the same properties, which loads the real one when one is read, or an assertion does not hold. */
function laterOf(path: string): string {
  const all = requireHere(path) as object;
  const load = `process.getBuiltinModule(${JSON.stringify(path)})`;
  return [
    typeof all === "function"
      ? `const later = function (...args) { if (!args[0]) ${load}(...args); };`
      : "const later = {};",
    `for (const name of ${JSON.stringify(Object.keys(all))}) Object.defineProperty(later, name, {`,
    "  configurable: true, enumerable: true,",
    `  get: () => ${load}[name], set: (value) => { ${load}[name] = value; },`,
    "});",
    "module.exports = later;",
  ].join("\n");
}

/** Replaces imports of Node's modules, and what is required of those in `LATER`; what is imported later stays as it is. */
export const BUILTINS: Plugin = {
  name: NAMESPACE,
  setup(build) {
    build.onResolve({ filter: LATER }, ({ path, kind }) =>
      kind === "require-call" ? { path, namespace: NAMESPACE_LATER } : undefined,
    );
    build.onLoad({ filter: /./, namespace: NAMESPACE_LATER }, ({ path }) => ({
      contents: laterOf(path),
      loader: "js",
    }));
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement"
        ? { path, namespace: NAMESPACE, sideEffects: false }
        : { path, external: true },
    );
    build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path }) => ({
      contents: moduleOf(path),
      loader: "js",
    }));
  },
};
