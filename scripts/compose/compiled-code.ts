// Node's cache of compiled code, where this program runs with one (NODE_COMPILE_CACHE): handed to our own programs that get nothing
// else of our environment, so that they too start in half the time. What is kept there is found by the content of the source.
const { NODE_COMPILE_CACHE: folder } = process.env;
const kept = folder !== undefined && folder !== "";

/** For the environment of such a program. */
export const COMPILED_CODE: Readonly<Record<string, string>> = kept ? { NODE_COMPILE_CACHE: folder } : {};

const program = `import { enableCompileCache } from "node:module"; enableCompileCache(${JSON.stringify(folder)});`;

/** Words for Node, where the environment of the program is not ours to choose. */
export const COMPILED_CODE_WORDS: readonly string[] = kept
  ? ["--import", `data:text/javascript,${encodeURIComponent(program)}`]
  : [];
