// The state folder: what is in it, who may read it, and the keys and tokens that the first start makes.
import { randomBytes } from "node:crypto";
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { formatPrincipals } from "../../shared/runtime/principals-file.ts";
import { hashToken } from "../../shared/runtime/identity.ts";
import { WEBHOOK_SECRET_PREFIX } from "../../shared/domain/webhook-signature.ts";
import { NOTIFICATION_SECRET } from "../../shared/runtime/notify.ts";
import { makeIssuerKey } from "../../shared/runtime/tokens.ts";

/** Where everything lies. */
export interface StateFolder {
  readonly root: string;
  path(...parts: readonly string[]): string;
}

/** A person that the first start makes a token for. */
export interface FirstPerson {
  readonly principal: string;
  readonly role: "viewer" | "engineer" | "operator" | "admin";
  readonly codeHostLogins: readonly string[];
  /** Name of the token file. */
  readonly tokenFile: string;
}

const FOLDERS = [
  "artifacts",
  "backends",
  "blobs",
  "builds",
  "checkouts",
  "repos",
  "secrets",
  "terraform",
  "traffic",
] as const;
const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;

/** Opens a state folder, making what is not there yet. Only its owner can read it. */
export async function openStateFolder(folder: string): Promise<StateFolder> {
  const root = resolve(folder);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await chmod(root, 0o700);
  for (const name of FOLDERS) await mkdir(join(root, name), { recursive: true, mode: 0o700 });
  return { root, path: (...parts) => join(root, ...parts) };
}

/** Writes a file that only its owner can read, in one step. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, text, { mode: OWNER_ONLY });
  await rename(temporary, path);
}

async function existing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The content of a secret file, made at the first start. */
export async function keptSecret(path: string, make: () => string | Promise<string>): Promise<string> {
  const kept = await existing(path);
  if (kept !== undefined && kept.trim() !== "") return kept.trim();
  const made = await make();
  await writeSecretFile(path, `${made}\n`);
  return made;
}

const randomKey = (): string => randomBytes(KEY_BYTES).toString("base64url");

/** The keys of an installation. */
export interface Keys {
  /** Key that replaces sensitive values in plan digests; its id stands in every digest. */
  readonly planKey: { readonly id: string; readonly secret: string };
  readonly issuerKey: string;
  readonly pageKey: string;
  readonly webhookSecret: string;
  /** What outgoing notifications are signed with, as Standard Webhooks writes it. */
  readonly notificationSecret: string;
  /** Every secret of this folder, previous ones and tokens of people included: texts that no log may show. */
  readonly hidden: readonly string[];
}

/** The contents of `secrets/` and of the token files as they are now; a signing key also by its private part. */
async function secretsOf(state: StateFolder): Promise<readonly string[]> {
  const tokens = (await readdir(state.root)).filter((name) => /^token(-|$)/.test(name));
  const names = (await readdir(state.path("secrets"))).map((name) => join("secrets", name));
  const texts = await Promise.all([...tokens, ...names].map((name) => existing(state.path(name))));
  return texts.flatMap((text = "") => {
    const parts = [...text.matchAll(/"d":\s*"([^"]+)"/g)].map(([, part = ""]) => part);
    return [text.trim(), ...parts].filter((secret) => secret !== "");
  });
}

/** Reads or makes the keys. */
export async function openKeys(state: StateFolder): Promise<Keys> {
  const planKey = await keptSecret(
    state.path("secrets", "plan-key"),
    () => `${randomBytes(4).toString("hex")}:${randomKey()}`,
  );
  const [id = "", secret = ""] = planKey.split(":");
  const keys = {
    planKey: { id, secret },
    issuerKey: await keptSecret(state.path("secrets", "issuer-key"), async () =>
      JSON.stringify(await makeIssuerKey()),
    ),
    pageKey: await keptSecret(state.path("secrets", "page-key"), randomKey),
    webhookSecret: await keptSecret(state.path("secrets", "github-webhook"), randomKey),
    notificationSecret: await keptSecret(
      state.path("secrets", NOTIFICATION_SECRET),
      () => `${WEBHOOK_SECRET_PREFIX}${randomBytes(KEY_BYTES).toString("base64")}`,
    ),
  };
  return { ...keys, hidden: [...(await secretsOf(state)), secret] };
}

/** The person who started it, by Git's idea of their e-mail. */
export async function ownerLogins(): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)("git", ["config", "user.email"]);
    const email = stdout.trim();
    return email === "" ? [] : [email];
  } catch {
    // No Git identity is configured: the administrator then has no login and cannot approve until one is added.
    return [];
  }
}

/** Writes principals.json and a token file a person, unless they are there. Answers token by principal. */
export async function openPrincipals(
  state: StateFolder,
  people: readonly FirstPerson[],
): Promise<ReadonlyMap<string, string>> {
  const tokens = new Map<string, string>();
  for (const { principal, tokenFile } of people)
    tokens.set(principal, await keptSecret(state.path(tokenFile), randomKey));
  const path = state.path("principals.json");
  if ((await existing(path)) === undefined) {
    const entries = people.map(({ principal, role, codeHostLogins }) => ({
      principal,
      role,
      codeHostLogins,
      tokenHash: hashToken(tokens.get(principal) ?? ""),
    }));
    await writeSecretFile(path, formatPrincipals(entries));
  }
  return tokens;
}
