// principals.json: who may come in. Read again whenever it changed, so that adding or removing someone needs no restart.
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { ControlPlaneError } from "../domain/errors.ts";
import { fieldProblem, type SchemaComplaint } from "../domain/field-problem.ts";
import { PERSON_ROLES } from "../domain/role.ts";
import { parseStrictJson } from "../domain/strict-json.ts";
import type { PrincipalEntry } from "./identity.ts";

/** People that one file may name. */
export const PRINCIPALS_MAX = 1_000;
/** Bytes of the file. */
const FILE_BYTES_MAX = 1_000_000;

const strict = { additionalProperties: false } as const;

const GoogleAccount = Type.Object(
  {
    email: Type.String({ pattern: "^[a-z0-9][a-z0-9._%+-]{0,99}@[a-z0-9.-]{1,100}$" }),
    subject: Type.Optional(Type.String({ pattern: "^[0-9]{1,30}$" })),
  },
  strict,
);

const GithubActions = Type.Object(
  {
    repositoryId: Type.String({ pattern: "^[0-9]{1,20}$" }),
    ownerId: Type.String({ pattern: "^[0-9]{1,20}$" }),
    ref: Type.Optional(Type.String({ pattern: "^refs/(heads|tags)/[^\\s*]{1,200}$" })),
    environment: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  },
  strict,
);

/** The file: a list of people under `principals`. No entry may have the role of workflow executions. */
export const PrincipalsFile = Type.Object(
  {
    principals: Type.Array(
      Type.Object(
        {
          principal: Type.String({ pattern: "^[a-z0-9][a-z0-9._@+-]{0,99}$" }),
          role: Type.Union(PERSON_ROLES.map((role) => Type.Literal(role))),
          codeHostLogins: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 20 }),
          tokenHash: Type.Optional(Type.String({ pattern: "^sha256:[0-9a-f]{64}$" })),
          google: Type.Optional(Type.Array(GoogleAccount, { maxItems: 20 })),
          githubActions: Type.Optional(Type.Array(GithubActions, { maxItems: 20 })),
        },
        strict,
      ),
      { maxItems: PRINCIPALS_MAX },
    ),
  },
  strict,
);

/** The text of a principals file with these entries. */
export function formatPrincipals(principals: readonly PrincipalEntry[]): string {
  return `${JSON.stringify({ principals }, undefined, 2)}\n`;
}

/** Refuses an entry that nobody can come in as, and one that means every job of a repository, proposals of strangers included. */
function requireIdentities(
  { tokenHash, google = [], githubActions = [] }: PrincipalEntry,
  index: number,
): void {
  const refuse = (field: string, message: string): never => {
    throw new ControlPlaneError("INVALID_ARGUMENT", message, { reason: "PRINCIPAL_UNUSABLE", field });
  };
  const entry = `principals[${index}]`;
  if (tokenHash === undefined && google.length === 0 && githubActions.length === 0)
    refuse(entry, `${entry} has no tokenHash, no account of Google and no jobs: give it one of them.`);
  for (const [at, { ref, environment }] of githubActions.entries())
    if (ref === undefined && environment === undefined)
      refuse(`${entry}.githubActions[${at}]`, `${entry}.githubActions[${at}] needs a ref or an environment.`);
}

/** The entries of a principals file. INVALID_ARGUMENT that names the field, also for a name or a token that is there twice. */
export function parsePrincipals(text: string): readonly PrincipalEntry[] {
  const value = parseStrictJson(text);
  if (!Value.Check(PrincipalsFile, value)) {
    throw fieldProblem(Value.Errors(PrincipalsFile, value) as readonly SchemaComplaint[]);
  }
  const { principals } = value satisfies Static<typeof PrincipalsFile>;
  principals.forEach(requireIdentities);
  for (const key of ["principal", "tokenHash"] as const) {
    const seen = new Set<string>();
    for (const [index, entry] of principals.entries()) {
      const field = `principals[${index}].${key}`;
      const value = entry[key];
      if (value === undefined) continue;
      if (seen.has(value)) {
        throw new ControlPlaneError("INVALID_ARGUMENT", `${field} is there twice: keep one.`, {
          reason: "PRINCIPAL_TWICE",
          field,
        });
      }
      seen.add(value);
    }
  }
  return principals;
}

/**
 * Reads the file at `path` when it is not the one that was read last (by inode, size and time of change).
 * UNAVAILABLE when it is missing or wrong: a list that cannot be read lets nobody in, least of all those it used to name.
 */
export function createPrincipalsReader(path: string): () => Promise<readonly PrincipalEntry[]> {
  let known: { readonly stamp: string; readonly entries: readonly PrincipalEntry[] } | undefined;
  return async () => {
    try {
      const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
      const stamp = [ino, size, mtimeNs, ctimeNs].join();
      if (known?.stamp === stamp) return known.entries;
      if (size > FILE_BYTES_MAX) throw new RangeError(`it has ${size} bytes, of at most ${FILE_BYTES_MAX}`);
      const entries = parsePrincipals(await readFile(path, "utf8"));
      known = { stamp, entries };
      return entries;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ControlPlaneError("UNAVAILABLE", `${path} cannot be used, so nobody can be let in: ${why}`, {
        reason: "PRINCIPALS_UNREADABLE",
        metadata: { path },
        cause,
      });
    }
  };
}
