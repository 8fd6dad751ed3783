// All functions by name, and connectors, which any well-formed `googleapis.service.version...` name may call.
import { BUILTIN_FUNCTIONS } from "./builtins.ts";
import { BYTES_FUNCTIONS } from "./bytes.ts";
import { COLLECTION_FUNCTIONS } from "./collections.ts";
import { EFFECT_FUNCTIONS } from "./effects.ts";
import { JSON_FUNCTIONS } from "./json.ts";
import { effect, type LibraryFunction } from "./library-function.ts";
import { MATH_FUNCTIONS } from "./math.ts";
import { RETRY_FUNCTIONS, RETRY_POLICIES } from "./retry.ts";
import { SYSTEM_FUNCTIONS } from "./system.ts";
import { TEXT_FUNCTIONS } from "./text.ts";
import { TIME_FUNCTIONS } from "./time.ts";

const FUNCTIONS = new Map<string, LibraryFunction>(
  [
    BUILTIN_FUNCTIONS,
    BYTES_FUNCTIONS,
    COLLECTION_FUNCTIONS,
    JSON_FUNCTIONS,
    MATH_FUNCTIONS,
    TEXT_FUNCTIONS,
    TIME_FUNCTIONS,
    SYSTEM_FUNCTIONS,
    RETRY_FUNCTIONS,
    EFFECT_FUNCTIONS,
  ].flatMap((table) => Object.entries(table)),
);

const CONNECTOR = /^googleapis(?:\.[A-Za-z][A-Za-z0-9_]*){3,}$/;

/** A function or connector by its full name. */
export function findFunction(name: string): LibraryFunction | undefined {
  const known = FUNCTIONS.get(name);
  if (known !== undefined || !CONNECTOR.test(name)) return known;
  const helper = HELPERS[name.split(".").at(-1) as string];
  return effect(name, helper ?? "", true, true);
}

/** Helpers of connectors that are called with positional arguments. */
const HELPERS: Record<string, string | undefined> = {
  accessString: "secret_id? version? project_id?",
  addVersionString: "secret_id? data? project_id?",
};

/** Whether a dotted name is a function, a policy or a connector, and so no path into a variable. */
export function isLibraryName(name: string): boolean {
  return FUNCTIONS.has(name) || RETRY_POLICIES.has(name) || CONNECTOR.test(name);
}

/** The names of all functions, for hints. */
export function functionNames(): string[] {
  return [...FUNCTIONS.keys()];
}
