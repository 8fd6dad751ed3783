// The state folder: who can read it, and whether its secrets and certificates are still good.
import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { failure, fine, type Finding, warning } from "./finding.ts";

/** A certificate that ends within this time is to be renewed. */
export const CERTIFICATE_WARNING_MS = 30 * 24 * 60 * 60_000;
/** A previous secret older than this is needed no more: GitHub redelivers for three days. */
export const PREVIOUS_SECRET_MS = 7 * 24 * 60 * 60_000;
/** Files of the state folder that are looked at. */
const FILES_MAX = 1_000;
const OTHERS = 0o077;

function exposed(folder: string): readonly Finding[] {
  const names = readdirSync(folder).filter((name) => name.startsWith("token") || name === "principals.json");
  const secrets = join(folder, "secrets");
  const kept = existsSync(secrets) ? readdirSync(secrets).map((name) => join("secrets", name)) : [];
  const open = [...names, ...kept]
    .slice(0, FILES_MAX)
    .filter((name) => (statSync(join(folder, name)).mode & OTHERS) !== 0);
  if (open.length === 0) return [fine("permissions", `Only the owner can read the secrets in ${folder}.`)];
  const paths = open.map((name) => join(folder, name)).join(" ");
  return [
    failure("permissions", `Others can read ${paths}.`, `Run chmod 600 ${paths}, and change what they hold.`),
  ];
}

function secretsOf(folder: string, nowMs: number): readonly Finding[] {
  const secrets = join(folder, "secrets");
  const names = existsSync(secrets) ? readdirSync(secrets) : [];
  const hook = names.includes("github-webhook")
    ? fine("webhook secret", "There is a secret for the webhook.")
    : failure(
        "webhook secret",
        `${join(secrets, "github-webhook")} is missing: every delivery is refused.`,
        "Make one with `signalbox github-app manifest`, or write the secret that the webhook's settings have.",
      );
  const old = names.filter(
    (name) =>
      name.endsWith(".previous") && nowMs - statSync(join(secrets, name)).mtimeMs > PREVIOUS_SECRET_MS,
  );
  const previous = old.map((name) =>
    warning(
      "secret rotation",
      `${join(secrets, name)} is older than a week and still accepted.`,
      "Delete it, if nothing signs with it any more.",
    ),
  );
  return [hook, ...previous];
}

/** How long a certificate is good. */
export function certificateFinding(path: string, nowMs: number): Finding {
  const { validFrom, validTo } = new X509Certificate(readFileSync(path));
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  const renew = "Renew it in its place: a control plane that runs takes the new files within seconds.";
  if (nowMs > toMs) return failure("certificate", `${path} ended on ${validTo}.`, renew);
  if (nowMs < fromMs)
    return failure(
      "certificate",
      `${path} begins on ${validFrom}.`,
      "Set the clock, or use another certificate.",
    );
  if (toMs - nowMs < CERTIFICATE_WARNING_MS)
    return warning("certificate", `${path} ends on ${validTo}.`, renew);
  return fine("certificate", `${path} is good until ${validTo}.`);
}

/** Looks at the files of one state folder. */
export function fileFindings(folder: string, nowMs: number): readonly Finding[] {
  return [...exposed(folder), ...secretsOf(folder, nowMs)];
}
