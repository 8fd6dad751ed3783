// What builds get from the machine beyond a scrubbed environment: a mirror of providers, and variables that are named one by one.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { RequirementError } from "./requirements.ts";

/** Variables that may be handed through. */
export const BUILD_VARIABLES_MAX = 50;

/** What a person asks for. */
export interface BuildEnvironmentOptions {
  /** Folder made by `terraform providers mirror`. */
  readonly providerMirror?: string | undefined;
  /** Names of variables of our own environment. */
  readonly variables: readonly string[];
}

/** What builds get. */
export interface BuildEnvironment {
  readonly providerMirror?: string;
  readonly environment: Readonly<Record<string, string>>;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The build's own, and those that make another program of Terraform or of whatever it starts. */
const REFUSED = /^(?:PATH|HOME|TMPDIR|LC_ALL|CHECKPOINT_DISABLE|NODE_.*|LD_.*|DYLD_.*|BASH_ENV|ENV|TF_.*)$/;

function valueOf(name: string, env: NodeJS.ProcessEnv): string {
  if (!NAME.test(name)) {
    throw new RequirementError(
      `--build-env takes the name of a variable, not ${JSON.stringify(name.split("=", 1)[0])} with a value: set it in the environment.`,
    );
  }
  if (REFUSED.test(name)) {
    const why = name.startsWith("TF_")
      ? "it would change plans behind the repository's back: use variable files"
      : "builds have their own";
    throw new RequirementError(`--build-env ${name} is not handed to builds: ${why}.`);
  }
  const value = env[name];
  if (value !== undefined && value !== "") return value;
  throw new RequirementError(`--build-env ${name}: there is no such variable. Set it, then start again.`);
}

function mirrorFolder(given: string): string {
  const folder = resolve(given);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return folder;
  throw new RequirementError(
    `--provider-mirror: ${folder} is no folder. Make it with \`terraform providers mirror ${given}\` in a stack.`,
  );
}

/**
 * Checks what was asked for and reads the variables.
 * Errors: RequirementError for a mirror that is not there, and a variable that is unset, or that would change Terraform itself.
 */
export function buildEnvironment(
  { providerMirror, variables }: BuildEnvironmentOptions,
  env: NodeJS.ProcessEnv,
): BuildEnvironment {
  if (variables.length > BUILD_VARIABLES_MAX) {
    throw new RequirementError(`--build-env can be given ${BUILD_VARIABLES_MAX} times at the most.`);
  }
  return {
    ...(providerMirror === undefined ? {} : { providerMirror: mirrorFolder(providerMirror) }),
    environment: Object.fromEntries(variables.map((name) => [name, valueOf(name, env)])),
  };
}
