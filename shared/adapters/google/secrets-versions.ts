// Versions of secrets over the REST API of Secret Manager: the newest, and the one before it.
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";
import type { Secret } from "../../ports/secrets.ts";
import { crc32c } from "./crc32c.ts";
import type { Rest } from "./rest.ts";

/** Bytes of one secret, as Secret Manager limits them. */
export const SECRET_IN_MANAGER_BYTES_MAX = 64 * 1024;
/** Where Secret Manager answers. */
const SECRETS_API = "https://secretmanager.googleapis.com";

/** Where the versions are. */
export interface SecretVersionsOptions {
  readonly rest: Rest;
  readonly project: string;
  readonly api?: string;
}

interface Version {
  readonly text: string;
  readonly number: number;
}

/** 64-bit integers come as text; whatever is neither is nothing of an answer. */
const text = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : "";

/** The version that an answer holds. Its bytes are proven by their checksum, and are text. Errors never say what they are. */
function versionOf(body: Buffer, secret: string): Version {
  const bad = (what: string): ControlPlaneError =>
    failedPrecondition(
      "SECRET_UNREADABLE",
      `The secret ${secret} ${what}: add a version that is plain text.`,
      { name: secret },
    );
  let answer: {
    readonly name?: unknown;
    readonly payload?: { readonly data?: unknown; readonly dataCrc32c?: unknown };
  };
  try {
    answer = (JSON.parse(body.toString("utf8")) ?? {}) as typeof answer;
  } catch {
    throw bad("came in an answer that cannot be read");
  }
  const number = Number(/\/versions\/([0-9]{1,15})$/.exec(text(answer.name))?.[1]);
  const bytes = Buffer.from(text(answer.payload?.data), "base64");
  const sum = answer.payload?.dataCrc32c;
  if (!Number.isSafeInteger(number)) throw bad("came in an answer that names no version");
  if (sum !== undefined && text(sum) !== String(crc32c(bytes))) {
    throw new ControlPlaneError("UNAVAILABLE", `The secret ${secret} was damaged on its way. Try again.`, {
      reason: "SECRET_CHECKSUM",
      metadata: { name: secret },
    });
  }
  if (bytes.byteLength > SECRET_IN_MANAGER_BYTES_MAX)
    throw bad(`has more than ${SECRET_IN_MANAGER_BYTES_MAX} bytes`);
  const whole = bytes.toString("utf8");
  if (Buffer.compare(Buffer.from(whole), bytes) !== 0) throw bad("is no UTF-8");
  return { text: whole.trim(), number };
}

/** Reads a secret of this project by its full name. Needs the role that reads versions, and not the one that lists them. */
export function createSecretVersions(options: SecretVersionsOptions): (secret: string) => Promise<Secret> {
  const { rest, project, api = SECRETS_API } = options;
  const access = async (secret: string, version: string): Promise<Version> => {
    const resource = `projects/${project}/secrets/${secret}/versions/${version}`;
    const { body } = await rest({
      method: "AccessSecretVersion",
      doing: `Reading the secret ${secret}`,
      resource,
      verb: "GET",
      url: `${api}/v1/${resource}:access`,
      bytesMax: SECRET_IN_MANAGER_BYTES_MAX * 2,
    });
    return versionOf(body, secret);
  };
  /** The version before, unless it was disabled, destroyed or never there. */
  const before = async (secret: string, number: number): Promise<string> => {
    if (number <= 1) return "";
    try {
      return (await access(secret, String(number - 1))).text;
    } catch (error) {
      const code = error instanceof ControlPlaneError ? error.code : "INTERNAL";
      if (code === "NOT_FOUND" || code === "FAILED_PRECONDITION") return "";
      throw error;
    }
  };
  return async (secret) => {
    const missing = (what: string): ControlPlaneError =>
      failedPrecondition(
        "SECRET_MISSING",
        `The secret ${secret} ${what}: add a version to it in the project ${project}.`,
        {
          name: secret,
        },
      );
    let newest: Version;
    try {
      newest = await access(secret, "latest");
    } catch (error) {
      if (!(error instanceof ControlPlaneError)) throw error;
      if (error.code === "NOT_FOUND") throw missing("is not there");
      // The newest version was disabled or destroyed: whoever did that wants it used no more.
      if (error.reason === "GOOGLE_FAILED_PRECONDITION") throw missing("has no version that is enabled");
      throw error;
    }
    if (newest.text === "") throw missing("is empty");
    const previous = await before(secret, newest.number);
    return previous === "" ? { current: newest.text } : { current: newest.text, previous };
  };
}
