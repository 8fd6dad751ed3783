// What a service loads at its start, in one file. esbuild puts code that is reached from the same entries into the same file, and
// each import of something later is an entry: a dozen of them cut a start into dozens of files, each of which Node looks for and reads
// before it reads the next. Here everything that is loaded later claims to need the whole start, which has been loaded by then.
import { dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";

const START = "signalbox:start";
const LATER = "later";

/** Paths that this file itself imports at once, as it names them. Types are no imports. */
async function importsOf(root: string, source: string): Promise<readonly string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    external: ["*"],
    format: "esm",
    metafile: true,
    platform: "node",
    write: false,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  return imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
}

/** Keeps the start of the program `source` together, but for `source` itself, which waits for what it loads later. */
export async function startTogether(root: string, source: string): Promise<Plugin> {
  const imports = await importsOf(root, source);
  return {
    name: "start-together",
    setup(building) {
      building.onResolve({ filter: /^signalbox:start$/ }, () => ({
        path: "start",
        namespace: START,
        sideEffects: true,
      }));
      building.onLoad({ filter: /./, namespace: START }, () => ({
        contents: imports.map((path) => `import ${JSON.stringify(path)};`).join("\n"),
        resolveDir: join(root, dirname(source)),
        loader: "js",
      }));
      building.onResolve({ filter: /./ }, ({ path, kind, importer, resolveDir }) =>
        kind !== "dynamic-import" || importer.includes("node_modules") || path.startsWith("node:")
          ? undefined
          : { path, namespace: LATER, pluginData: resolveDir },
      );
      building.onLoad({ filter: /./, namespace: LATER }, ({ path, pluginData }) => {
        const name = JSON.stringify(path);
        // Our own code has no default export, and of a package nothing else is taken.
        const exported = path.startsWith(".") ? `export * from ${name};` : `export { default } from ${name};`;
        return {
          contents: `import ${JSON.stringify(START)};\n${exported}`,
          resolveDir: pluginData as string,
          loader: "js",
        };
      });
    },
  };
}
