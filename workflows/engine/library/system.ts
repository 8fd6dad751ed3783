// `sys.get_env`: the one system function that needs nothing but the execution's fixed environment.
import { CHOICES } from "../choices.ts";
import { keyError } from "../values/workflow-error.ts";
import { asString, pure, tableOf } from "./library-function.ts";

/** System functions without effects. */
export const SYSTEM_FUNCTIONS = tableOf([
  pure("sys.get_env", "name default?", ([name, fallback], { env }) => {
    const key = asString(name, "name");
    if (fallback !== undefined) asString(fallback, "default");
    const value = env.get(key) ?? fallback;
    if (value !== undefined) return value;
    if (CHOICES.missingEnvironment === "null") return null;
    throw keyError(key);
  }),
]);
