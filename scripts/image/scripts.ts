// Runs the files of an image's bundle as scripts, each with what V8 had compiled of it when its service had started. Node's own cache of
// compiled code is filled before anything has run, so it lacks every function that a start calls: they are most of what a start compiles.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";

/** Where the programs of services, which are modules, find what loads scripts. */
export const SCRIPTS = Symbol.for("signalbox.scripts");

/** Where their compiled code is kept, below them. */
export const COMPILED_FOLDER = "compiled";

/** What stands around a script: what Node gives to CommonJS, and the URL that a module knows itself by. */
const BEFORE = "(function(exports,require,module,__filename,__dirname,__url){";
const AFTER = "\n})";

/** The scripts of a folder. */
export interface Scripts {
  /** What a script exports; it runs once. Paths are those of imports, such as `./api-5J6JNFTI.js`. */
  load(path: string): unknown;
  /** Writes what is compiled by now beside the scripts, where nothing is kept yet. */
  keep(): void;
  /** How many files had compiled code that this Node does not take: another version made it, or other flags of V8. */
  refused(): number;
}

type Run = (
  exports: object,
  require: (path: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
  url: string,
) => void;

function readKept(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    // None was made of it, as where somebody runs the bundle without warm.ts.
    return undefined;
  }
}

/** The scripts in `folder`. */
export function openScripts(folder: string): Scripts {
  const kept = join(folder, COMPILED_FOLDER);
  const native = createRequire(join(folder, "main.js"));
  const modules = new Map<string, { exports: object }>();
  const compiled = new Map<string, { readonly script: Script; readonly isKept: boolean }>();
  let refused = 0;

  function compile(file: string): Run {
    // ASCII, which the bundler writes: read as such it stays one byte a character.
    const source = BEFORE + readFileSync(join(folder, file), "latin1") + AFTER;
    const cachedData = readKept(join(kept, file));
    const script = new Script(source, {
      filename: join(folder, file),
      columnOffset: -BEFORE.length,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    if (script.cachedDataRejected === true) refused += 1;
    compiled.set(file, { script, isKept: cachedData !== undefined });
    return script.runInThisContext() as Run;
  }

  const load = (path: string): object => {
    const file = path.replace("./", "");
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const at = join(folder, file);
    compile(file)(module.exports, required, module, at, folder, pathToFileURL(at).href);
    return module.exports;
  };
  const required = Object.assign((path: string) => (path.startsWith("./") ? load(path) : native(path)), {
    resolve: native.resolve,
    cache: native.cache,
  });

  return {
    load,
    keep() {
      for (const [file, { script, isKept }] of compiled)
        if (!isKept) writeFileSync(join(kept, file), script.createCachedData());
    },
    refused: () => refused,
  };
}
