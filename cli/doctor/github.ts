// The GitHub App as GitHub has it: rights, events, installations, and what became of its latest deliveries.
import { Type } from "typebox";
import type { GithubApp } from "../../shared/adapters/github/app.ts";
import { APP_EVENTS, APP_PERMISSIONS } from "../../shared/adapters/github/manifest.ts";
import { failure, fine, type Finding, warning } from "./finding.ts";

/** Latest deliveries that are looked at. */
export const DELIVERIES_LOOKED_AT_MAX = 100;

const Rights = Type.Record(Type.String(), Type.String());
const AppAnswer = Type.Object({
  slug: Type.String(),
  permissions: Rights,
  events: Type.Array(Type.String()),
});
const Installations = Type.Array(
  Type.Object({
    account: Type.Union([Type.Null(), Type.Object({ login: Type.Optional(Type.String()) })]),
    permissions: Rights,
    suspended_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
);
const Hook = Type.Object({ url: Type.Optional(Type.String()) });
const Deliveries = Type.Array(Type.Object({ guid: Type.String(), status_code: Type.Integer() }));

const weaker = (held: string | undefined, needed: string): boolean =>
  held === undefined || (needed === "write" && held !== "write" && held !== "admin");

/** Rights that are missing, and rights that nobody needs. */
function rightsFindings(who: string, held: Readonly<Record<string, string>>): readonly Finding[] {
  const needed: Readonly<Record<string, string>> = APP_PERMISSIONS;
  // A repository without a merge queue never asks for it.
  const missing = Object.entries(needed).filter(
    ([name, level]) => name !== "merge_queues" && weaker(held[name], level),
  );
  const more = Object.entries(held).filter(
    ([name, level]) => needed[name] === undefined || (level !== "read" && needed[name] === "read"),
  );
  const list = (rights: readonly (readonly [string, string])[]) =>
    rights.map((each) => each.join(": ")).join(", ");
  const found: Finding[] = [];
  if (missing.length > 0)
    found.push(
      failure(
        "permissions",
        `${who} lacks ${list(missing)}.`,
        "Grant it in the App's settings, then accept it in the installation.",
      ),
    );
  if (more.length > 0)
    found.push(
      warning(
        "permissions",
        `${who} may do more than is needed: ${list(more)}.`,
        "Take it away in the App's settings.",
      ),
    );
  return found.length > 0
    ? found
    : [fine("permissions", `${who} has the rights that are needed and no others.`)];
}

/** Looks at everything that GitHub knows of the App; answers the webhook's address too, to be tried from here. */
export async function githubFindings(
  app: Pick<GithubApp, "asApp">,
): Promise<{ readonly findings: readonly Finding[]; readonly hook: string | undefined }> {
  const findings: Finding[] = [];
  const { data: self } = await app.asApp(AppAnswer, { route: "GET /app", what: "GitHub App" });
  findings.push(
    fine("GitHub App", `The key is that of ${self.slug}.`),
    ...rightsFindings(self.slug, self.permissions),
  );
  const deaf = APP_EVENTS.filter((event) => !self.events.includes(event));
  findings.push(
    deaf.length === 0
      ? fine("subscriptions", "GitHub sends every event that is acted on.")
      : failure(
          "subscriptions",
          `GitHub does not send ${deaf.join(", ")}.`,
          "Subscribe to them in the App's settings.",
        ),
  );
  const { data: installations } = await app.asApp(Installations, {
    route: "GET /app/installations",
    parameters: { per_page: 100 },
    what: "GitHub App's installations",
  });
  if (installations.length === 0)
    findings.push(
      failure("installations", "The App is installed nowhere.", "Install it on your repositories."),
    );
  for (const { account, permissions, suspended_at: suspended } of installations) {
    const who = `the installation of ${account?.login ?? "a deleted account"}`;
    if (typeof suspended === "string")
      findings.push(
        failure(
          "installations",
          `${who} is suspended since ${suspended}.`,
          "Unsuspend it in the account's settings.",
        ),
      );
    else findings.push(...rightsFindings(who, permissions));
  }
  const { data: hook } = await app.asApp(Hook, {
    route: "GET /app/hook/config",
    what: "GitHub App's webhook",
  });
  const { data: deliveries } = await app.asApp(Deliveries, {
    route: "GET /app/hook/deliveries",
    parameters: { per_page: DELIVERIES_LOOKED_AT_MAX },
    what: "GitHub's log of deliveries",
  });
  const good = new Set(
    deliveries.filter(({ status_code: code }) => code >= 200 && code < 300).map(({ guid }) => guid),
  );
  const lost = new Set(deliveries.filter(({ guid }) => !good.has(guid)).map(({ guid }) => guid)).size;
  findings.push(
    lost === 0
      ? fine("deliveries", `The latest ${deliveries.length} deliveries arrived.`)
      : warning(
          "deliveries",
          `${lost} of the latest ${deliveries.length} deliveries did not arrive.`,
          "The webhook asks for them again; see that it can be reached.",
        ),
  );
  return { findings, hook: hook.url };
}
