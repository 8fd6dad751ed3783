// Runs the Git command line on a bare repository: argument lists only, no shell, no configuration of the user, bounded output.
import { execFile } from "node:child_process";
import { ControlPlaneError, invalidArgument, notFound } from "../../domain/errors.ts";

/** Bytes that one Git command may print. */
export const GIT_OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** How long one Git command may take. */
export const GIT_TIMEOUT_MS = 60_000;
/** The first version with `merge-tree --write-tree` (release notes of Git 2.38). */
const GIT_VERSION_MIN = [2, 38] as const;

/** What a Git command answered. */
export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Git on one repository. */
export type Git = (args: readonly string[]) => Promise<GitAnswer>;

/** Only what Git needs: no hooks' variables, no system or user configuration, no prompts, no replaced objects. */
export const gitEnvironment = (path: string): NodeJS.ProcessEnv => ({
  PATH: path,
  LC_ALL: "C.UTF-8",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_OPTIONAL_LOCKS: "0",
});

/** What stands before every command on this repository. */
export const gitArguments = (gitDirectory: string): readonly string[] => [
  // The repository belongs to whoever runs Signalbox, also when a mount shows another owner.
  "-c",
  `safe.directory=${gitDirectory}`,
  "-c",
  "core.hooksPath=/dev/null",
  `--git-dir=${gitDirectory}`,
];

/** Makes a Git runner. `path` is the PATH in which `git` is looked for. */
export function createGit(gitDirectory: string, path: string): Git {
  const fixed = gitArguments(gitDirectory);
  return (args) =>
    new Promise((resolve, reject) => {
      const options = {
        encoding: "buffer",
        env: gitEnvironment(path),
        maxBuffer: GIT_OUTPUT_BYTES_MAX,
        timeout: GIT_TIMEOUT_MS,
      } as const;
      execFile("git", [...fixed, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === "number") {
          resolve({ code, stdout, stderr: stderr.toString("utf8").trim() });
          return;
        }
        const missing = code === "ENOENT";
        const message = missing
          ? "Git is not on PATH: install Git 2.38 or newer."
          : `git ${args[0] ?? ""} did not end in time or printed too much (${error?.message.slice(0, 200) ?? ""}).`;
        const reason = missing ? "GIT_MISSING" : "GIT_FAILED";
        reject(
          new ControlPlaneError(missing ? "FAILED_PRECONDITION" : "UNAVAILABLE", message, {
            reason,
            cause: error,
          }),
        );
      });
    });
}

/** Refuses anything but a full object id, so that no argument can be read as an option or a path. */
export function requireObjectId(field: string, value: string): string {
  if (/^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(value)) return value;
  const shown = JSON.stringify(value.slice(0, 80));
  throw invalidArgument(
    field,
    `${field} is ${shown}, which is not an object id: send all of its hex digits.`,
  );
}

/** The output of a command that has to succeed once its objects are known; NOT_FOUND when Git does not have them. */
export async function gitOutput(git: Git, args: readonly string[], what: string): Promise<Buffer> {
  const { code, stdout, stderr } = await git(args);
  if (code === 0) return stdout;
  if (
    /not a valid object|bad object|bad file|does not exist|could not get|unknown revision|Not a valid|not a tree/i.test(
      stderr,
    )
  ) {
    throw notFound(what, "Fetch it into the repository first.");
  }
  const reason = "GIT_FAILED";
  throw new ControlPlaneError(
    "UNAVAILABLE",
    `git ${args[0] ?? ""} failed for ${what}: ${stderr.slice(0, 500)}`,
    { reason },
  );
}

/** Refuses a Git that is too old, with the version that is needed. Call it once at the start. */
export async function requireGit(path: string): Promise<string> {
  const { stdout } = await createGit("/", path)(["version"]);
  const [, version = "", major = "0", minor = "0"] =
    /(([0-9]+)\.([0-9]+)[0-9.]*)/.exec(stdout.toString("utf8")) ?? [];
  const [needMajor, needMinor] = GIT_VERSION_MIN;
  if (Number(major) > needMajor || (Number(major) === needMajor && Number(minor) >= needMinor))
    return version;
  throw new ControlPlaneError(
    "FAILED_PRECONDITION",
    `Git is ${version || "of an unknown version"}; test merges need ${GIT_VERSION_MIN.join(".")} or newer. Update Git.`,
    { reason: "GIT_TOO_OLD" },
  );
}
