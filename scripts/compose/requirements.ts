// What must be on the machine besides Node: Terraform. Git is checked where it is used.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Terraform 1.9 is the first with what the build program relies on. */
const TERRAFORM_MIN = [1, 9] as const;
/** How long a program may take to say its version. */
const TIMEOUT_MS = 20_000;

/** Something is missing on this machine; the message says what to install. */
export class RequirementError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "RequirementError";
  }
}

/** The version of the `terraform` on PATH; a RequirementError with one clear sentence when there is none or it is too old. */
export async function requireTerraform(path: string): Promise<string> {
  const wanted = TERRAFORM_MIN.join(".");
  let text: string;
  try {
    const { stdout } = await promisify(execFile)("terraform", ["version", "-json"], {
      env: { PATH: path, CHECKPOINT_DISABLE: "1" },
      timeout: TIMEOUT_MS,
    });
    text = stdout;
  } catch (cause) {
    throw new RequirementError(
      `Terraform ${wanted} or newer must be on PATH: install it (https://developer.hashicorp.com/terraform/install), then start again.`,
      cause,
    );
  }
  const { terraform_version: version } = JSON.parse(text) as { terraform_version: string };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > TERRAFORM_MIN[0] || (major === TERRAFORM_MIN[0] && minor >= TERRAFORM_MIN[1])) return version;
  throw new RequirementError(
    `Terraform on PATH is ${version} and ${wanted} or newer is needed: upgrade it, then start again.`,
  );
}
