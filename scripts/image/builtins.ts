// Node's own modules in a bundle. `import` of one makes Node read everything that the module exports, and several exports load other
// modules when they are read: `node:http` its HTTP/2, WebSocket and Worker, 66 modules and as much time again as Node itself takes to
// start. A bundle takes what it names, and no more.
import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const requireHere = createRequire(import.meta.url);
const NAMESPACE = "node-builtin";
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** A module with the same exports, each read only where something imports it: esbuild leaves the others out, because they are marked pure. */
function moduleOf(path: string): string {
  const names = Object.getOwnPropertyNames(requireHere(path)).filter(
    (name) => IDENTIFIER.test(name) && name !== "default",
  );
  return [
    `const all = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(path)});`,
    ...names.map((name) => `const $${name} = /* @__PURE__ */ (() => all.${name})();`),
    `export { ${names.map((name) => `$${name} as ${name}`).join(", ")} };`,
    "export default all;",
  ].join("\n");
}

/** Replaces imports of Node's modules; what is required or imported later stays as it is. */
export const BUILTINS: Plugin = {
  name: NAMESPACE,
  setup(build) {
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
