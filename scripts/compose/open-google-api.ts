// The API's ports on Google Cloud. Loaded only there. At the start only secrets are read: whatever else is away, an API that has
// started rolls back with the cluster's API alone.
import { openBuildLook } from "../../shared/adapters/google/builds-open.ts";
import { createPushTokenGuard, googleKeys } from "../../shared/adapters/google/push-token.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { failedPrecondition } from "../../shared/domain/errors.ts";
import type { Checks } from "../../shared/ports/checks.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { NO_SESSIONS } from "../../shared/runtime/sessions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import type { googleApi } from "./google-settings.ts";
import { openGoogleArtifacts } from "./open-google-artifacts.ts";
import { identityOfPeople, identityOfPrograms, openPrincipals } from "./open-google-identity.ts";
import { openGoogleNotifying } from "./open-google-notifying.ts";
import { openGoogleRuns } from "./open-google-runs.ts";
import { openGoogleSecrets } from "./open-google-secrets.ts";
import { openGoogleServing } from "./open-google-serving.ts";
import { openStores } from "./open-stores.ts";
import type { StateFolder } from "./state-folder.ts";
import type { CloudSettings, World } from "./world.ts";

/** Where things are, at either door. */
export type ApiSettings = NonNullable<CloudSettings<ReturnType<typeof googleApi>>>;

/** The workflows whose executions are looked at. */
const WORKFLOWS = ["canary", "data-run"] as const;

/** Checks are on the commit, at GitHub: to show them here, the API would need the App's key. */
const checksAtGithub: Pick<Checks, "list"> = {
  list: async (repository) => {
    throw failedPrecondition(
      "CHECKS_AT_CODE_HOST",
      `The checks of ${repository} are shown on its commits and pull requests at GitHub: look there.`,
      { repository },
    );
  },
};

/** Who comes in at this door, and, at that of programs, who pushes the events of others. */
async function openDoor(settings: ApiSettings, secrets: Secrets) {
  const readPrincipals = await openPrincipals(secrets);
  if (settings.SIGNALBOX_DOOR === "people")
    return { identity: identityOfPeople(readPrincipals, settings.SIGNALBOX_IAP_AUDIENCE), events: undefined };
  // IAM is asked about every caller of this door, so Cloud Run has checked Google's tokens and taken their signatures away (decision 0054).
  const checkedInFront = settings.K_SERVICE !== undefined;
  const [audience = "", url = ""] = settings.SIGNALBOX_AUDIENCES.split(",");
  const identity = identityOfPrograms(readPrincipals, {
    audiences: [audience, url],
    url,
    workflowsAccount: settings.SIGNALBOX_WORKFLOW_ACCOUNT,
    checkedInFront,
  });
  const guard = createPushTokenGuard({
    audience,
    serviceAccounts: [settings.SIGNALBOX_PUSH_ACCOUNT],
    keys: googleKeys(clock),
    clock,
    checkedInFront,
  });
  return { identity, events: { guard, subscription: settings.SIGNALBOX_SUBSCRIPTION } };
}

/** Opens them. */
export async function openGoogleApi(
  settings: ApiSettings,
  { world, state, log }: { readonly world: World; readonly state: StateFolder; readonly log: Log },
) {
  const secrets = openGoogleSecrets(settings);
  const [{ identity, events }, pageKey, stored] = await Promise.all([
    openDoor(settings, secrets),
    secrets.get("page-key"),
    openStores(world, state, log),
  ]);
  const { close, cluster: client, ...serving } = openGoogleServing(settings, { log, workflows: WORKFLOWS });
  return {
    identity,
    events,
    hosts: settings.SIGNALBOX_HOSTS.toLowerCase().split(","),
    async close() {
      await close();
      await stored.close();
    },
    ports: {
      ...stored,
      ...serving,
      ...openGoogleNotifying(settings),
      signer: createTextSigner(Buffer.from(pageKey.current, "base64url")),
      sessions: NO_SESSIONS,
      builds: openBuildLook({ folder: settings.SIGNALBOX_BUILDS_FOLDER, clock }),
      checks: checksAtGithub,
      cluster: openGoogleRuns(settings, client),
      artifacts: openGoogleArtifacts(settings, state.path("artifact-copies")),
    },
  };
}
