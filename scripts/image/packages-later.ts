// Packages that the code of a start names and that no start uses. In their place stands what loads the real one at its first use.
import { createRequire } from "node:module";
import type { Plugin } from "esbuild";
import { isPlainFunction } from "./builtins.ts";

const NAMESPACE = "package-later";

/**
 * Package → whose code names it. Fastify compares versions with semver where a plugin says which Fastify it needs, pino starts a thread
 * of thread-stream where a log goes through one, and our own code reads YAML when somebody has written some.
 */
const LATER: Readonly<Record<string, (importer: string) => boolean>> = {
  semver: (importer) => importer.includes("/node_modules/fastify/"),
  "thread-stream": (importer) => importer.includes("/node_modules/pino/"),
  yaml: (importer) => !importer.includes("/node_modules/"),
};
const ANY = new RegExp(`^(?:${Object.keys(LATER).join("|")})$`);

const isClass = (value: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(value));

/** What stands for one export: it takes what the real one takes. An export with properties of its own is taken with the package. */
function exportOf(name: string, value: unknown, load: string): string {
  if (isPlainFunction(name, value)) return `const $${name} = (...args) => ${load}.${name}(...args);`;
  if (typeof value === "function" && isClass(value) && Object.keys(value).length === 0)
    return `function $${name}(...args) { return Reflect.construct(${load}.${name}, args); }`;
  return `const $${name} = /* @__PURE__ */ (() => ${load}.${name})();`;
}

/** A module with the exports of a package, by their names: esbuild leaves out what nobody imports. */
function namesOf(path: string, resolveDir: string): string {
  const all = createRequire(`${resolveDir}/`)(path) as Readonly<Record<string, unknown>>;
  const names = Object.keys(all);
  return [
    ...names.map((name) => exportOf(name, all[name], `require(${JSON.stringify(path)})`)),
    `export { ${names.map((name) => `$${name} as ${name}`).join(", ")} };`,
  ].join("\n");
}

/** A module that is a package as a whole: its properties, or the class that it is. */
function wholeOf(path: string, resolveDir: string): string {
  const all = createRequire(`${resolveDir}/`)(path) as object;
  const load = `require(${JSON.stringify(path)})`;
  if (typeof all === "function")
    return `module.exports = function (...args) { return Reflect.construct(${load}, args); };`;
  return [
    "module.exports = {};",
    `for (const name of ${JSON.stringify(Object.keys(all))}) Object.defineProperty(module.exports, name, {`,
    `  configurable: true, enumerable: true, get: () => ${load}[name],`,
    "});",
  ].join("\n");
}

/** Replaces them where they are named at the top of a file. */
export const PACKAGES_LATER: Plugin = {
  name: NAMESPACE,
  setup(build) {
    build.onResolve({ filter: ANY }, ({ path, kind, importer, namespace, resolveDir }) =>
      namespace !== NAMESPACE && kind !== "dynamic-import" && LATER[path]?.(importer) === true
        ? { path, namespace: NAMESPACE, sideEffects: false, pluginData: { kind, resolveDir } }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: NAMESPACE }, ({ path, pluginData }) => {
      const { kind, resolveDir } = pluginData as { readonly kind: string; readonly resolveDir: string };
      const contents = kind === "require-call" ? wholeOf(path, resolveDir) : namesOf(path, resolveDir);
      return { contents, resolveDir, loader: "js" };
    });
  },
};
