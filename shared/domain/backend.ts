// A backend is a name, never an address: ports change after a restart.
import { shortHash } from "./fact.ts";
import { lastId } from "./names.ts";

/** The backend of a model version on an endpoint: derived, so that every service and every retry names the same one. */
export function backendName(endpoint: string, modelVersion: string): string {
  const readable = `${lastId(endpoint)}-${lastId(modelVersion)}`.slice(0, 50);
  return `${readable}-${shortHash(endpoint, modelVersion).slice(0, 8)}`;
}
