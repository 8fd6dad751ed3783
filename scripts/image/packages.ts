// Packages that no service needs to listen, bundled once and apart from the services: each service has a copy of everything else.
import type { Plugin } from "esbuild";

const NAMESPACE = "package";
/** Clients of clouds and code hosts, what serves pushes, and what sends traces. They share nothing with our code but values. */
const APART = /^(?:@google-cloud\/|google-auth-library$|@octokit\/|@opentelemetry\/|undici$)/;
/** What fastify asks for when something is compiled or injected, which a start does not. It asks by `require`, so these are CommonJS. */
const APART_COMMONJS = /^(?:@fastify\/ajv-compiler|@fastify\/fast-json-stringify-compiler|light-my-request)$/;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

const fileOf = (name: string): string => `package-${name.replace("@", "").replaceAll("/", "-")}`;

/** Packages that were left out of bundles, by the form of the file that each is bundled to. */
export interface PackagesFound {
  readonly modules: Set<string>;
  readonly commonJs: Set<string>;
}

/** Leaves the packages out of a bundle, which then imports their files; `found` learns which ones it needs. */
export const packagesApart = (found: PackagesFound): Plugin => ({
  name: "packages-apart",
  setup(build) {
    build.onResolve({ filter: APART_COMMONJS }, ({ path }) => {
      found.commonJs.add(path);
      return { path: `./${fileOf(path)}.cjs`, external: true };
    });
    build.onResolve({ filter: APART }, ({ path, importer }) => {
      // What packages import of each other is bundled with them.
      if (importer.includes("node_modules")) return undefined;
      found.modules.add(path);
      return { path: `./${fileOf(path)}.js`, external: true };
    });
  },
});

/** What a package exports, each by its name: esbuild knows no names of a CommonJS module, and would export it as a whole. */
async function reexport(name: string): Promise<string> {
  const all = (await import(name)) as Readonly<Record<string, unknown>>;
  const isCommonJs = "module.exports" in all;
  const names = Object.keys(isCommonJs ? (all["default"] as object) : all).filter(
    (each) => IDENTIFIER.test(each) && each !== "default",
  );
  const exported = "default" in all ? ["default", ...names] : names;
  return `export { ${exported.join(", ")} } from ${JSON.stringify(name)};`;
}

/** Entries of the bundle of such packages. */
export const packageEntries = (names: Iterable<string>): Readonly<Record<string, string>> =>
  Object.fromEntries([...names].toSorted().map((name) => [fileOf(name), `${NAMESPACE}:${name}`]));

/** Entries of those that are CommonJS: each is bundled as it is. */
export const commonJsEntries = (names: Iterable<string>): Readonly<Record<string, string>> =>
  Object.fromEntries([...names].toSorted().map((name) => [fileOf(name), name]));

/** Makes these entries out of the packages. */
export const packageSources = (root: string): Plugin => ({
  name: "package-sources",
  setup(build) {
    build.onResolve({ filter: /^package:/ }, ({ path }) => ({
      path: path.slice(NAMESPACE.length + 1),
      namespace: NAMESPACE,
    }));
    build.onLoad({ filter: /./, namespace: NAMESPACE }, async ({ path }) => ({
      contents: await reexport(path),
      resolveDir: root,
      loader: "js",
    }));
  },
});
