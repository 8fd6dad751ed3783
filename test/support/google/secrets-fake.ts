// A fake of Secret Manager's REST API: versions that are enabled, disabled or destroyed. Written from the reference page of
// projects.secrets.versions.access: `latest` is the newest version, whatever its state; one that is not enabled is
// FAILED_PRECONDITION with status 400; the answer holds the bytes in base64 and their CRC-32C as a decimal text.
import { crc32c } from "../../../shared/adapters/google/crc32c.ts";
import { restError, type RestFake } from "./rest-front.ts";

interface Version {
  readonly bytes: Buffer;
  state: "ENABLED" | "DISABLED" | "DESTROYED";
}

/** An empty project of this number. */
export function createSecretsFake(project: string) {
  const secrets = new Map<string, Version[]>();
  const fake: RestFake = ({ path }) => {
    const [, owner, name = "", wanted = ""] =
      /^\/v1\/projects\/([^/]+)\/secrets\/([^/]+)\/versions\/([^/]+):access$/.exec(path) ?? [];
    if (owner !== project)
      return restError(403, "PERMISSION_DENIED", `Permission denied on resource project ${owner}.`);
    const versions = secrets.get(name) ?? [];
    const number = wanted === "latest" ? versions.length : Number(wanted);
    const version = versions[number - 1];
    const resource = `projects/123/secrets/${name}/versions/${number}`;
    if (version === undefined) return restError(404, "NOT_FOUND", `Secret Version [${resource}] not found.`);
    if (version.state !== "ENABLED")
      return restError(
        400,
        "FAILED_PRECONDITION",
        `Secret Version [${resource}] is in ${version.state} state.`,
      );
    const payload = { data: version.bytes.toString("base64"), dataCrc32c: String(crc32c(version.bytes)) };
    return { status: 200, body: { name: resource, payload } };
  };
  return {
    fake,
    add: (name: string, bytes: Buffer | string): void =>
      void secrets.set(name, [
        ...(secrets.get(name) ?? []),
        { bytes: Buffer.from(bytes as string), state: "ENABLED" },
      ]),
    set: (name: string, number: number, state: Version["state"]): void => {
      const version = secrets.get(name)?.[number - 1];
      if (version !== undefined) version.state = state;
    },
  };
}
