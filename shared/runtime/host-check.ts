// A page of a stranger can make a browser send requests to 127.0.0.1 under the stranger's own host name (DNS rebinding).
// Only names that are ours are served.
import { HttpError } from "./errors.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/;

/** Values of a header as they came on the wire; Node joins or drops doubled ones. */
export function rawHeaderValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const given = rawHeaders[index];
    if (given?.length === name.length && given.toLowerCase() === name)
      values.push(rawHeaders[index + 1] ?? "");
  }
  return values;
}

/** Refuses a request that names another host than loopback or one of `hosts` (names without port), or that names none or two. */
export function requireHost(rawHeaders: readonly string[], hosts: readonly string[]): void {
  const [host, ...more] = rawHeaderValues(rawHeaders, "host");
  const name = HOST.exec((host ?? "").toLowerCase())?.[1];
  if (name === undefined || more.length > 0) {
    throw new HttpError(400, "INVALID_ARGUMENT", "The request must name its host once.", "INVALID_HOST");
  }
  if (LOOPBACK.has(name) || hosts.includes(name)) return;
  throw new HttpError(
    421,
    "PERMISSION_DENIED",
    "This host name is not served here: use localhost or 127.0.0.1, or start with --server-name and this name.",
    "HOST_NOT_ALLOWED",
  );
}
