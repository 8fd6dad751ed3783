// The adapters of the provisioning journey on Google Cloud: GitHub, Cloud Build, Cloud Storage. Loaded only there.
import { createHash } from "node:crypto";
import type { Static, TObject } from "typebox";
import { createGithubAccess } from "../../shared/adapters/github/access.ts";
import { createGithubChecks } from "../../shared/adapters/github/checks.ts";
import { createGithubCodeHost } from "../../shared/adapters/github/code-host.ts";
import { createBlobs } from "../../shared/adapters/google/blobs.ts";
import { openCloudBuilds } from "../../shared/adapters/google/builds-open.ts";
import type { BuildPlace } from "../../shared/adapters/google/builds-request.ts";
import { openRest } from "../../shared/adapters/google/rest-open.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Secrets } from "../../shared/ports/secrets.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { rememberedCodeHost } from "../../shared/runtime/remembered-code-host.ts";
import type { GOOGLE_PROVISIONING } from "./google-settings.ts";
import { openGithubApp } from "./open-google-github.ts";

/** Where things are. */
export type ProvisioningSettings = Static<TObject<typeof GOOGLE_PROVISIONING>> & {
  readonly project: string;
};

type Names = Readonly<Record<string, string>>;

/** The key's id stands in every digest, so it is made from the key and says nothing about it. */
function planKeyOf(secret: string) {
  return { id: createHash("sha256").update(`plan key ${secret}`).digest("hex").slice(0, 8), secret };
}

/** Where builds run, as the settings say it. */
export function buildPlaceOf(settings: ProvisioningSettings): BuildPlace {
  const buckets = JSON.parse(settings.SIGNALBOX_BUCKETS) as Names;
  const accounts = Object.entries(JSON.parse(settings.SIGNALBOX_BUILD_IDENTITIES) as Names);
  const accountOf = (start: string): string => accounts.find(([name]) => name.startsWith(start))?.[1] ?? "";
  const pool = settings.SIGNALBOX_BUILD_POOL;
  return {
    project: settings.project,
    location: settings.SIGNALBOX_REGION,
    image: settings.SIGNALBOX_BUILD_IMAGE,
    folder: settings.SIGNALBOX_BUILDS_FOLDER,
    identities: { plan: accountOf("tf-plan"), apply: accountOf("tf-apply-") },
    ...(pool === "default" ? {} : { workerPool: pool }),
    environment: {
      SIGNALBOX_PLANS_BUCKET: buckets["plans"] ?? "",
      SIGNALBOX_STATE_BUCKET: buckets["state"] ?? "",
    },
  };
}

/** Opens them. Only secrets are read. */
export async function openGoogleProvisioning(
  settings: ProvisioningSettings,
  { secrets, log }: { readonly secrets: Secrets; readonly log: Log },
) {
  const place = buildPlaceOf(settings);
  const [app, planKey] = await Promise.all([openGithubApp(secrets, log), secrets.get("plan-key")]);
  const codeHost = rememberedCodeHost(createGithubCodeHost({ app, clock }));
  return {
    blobs: createBlobs({
      rest: openRest(clock),
      bucket: place.environment?.["SIGNALBOX_PLANS_BUCKET"] ?? "",
    }),
    codeHost,
    checks: createGithubChecks(app),
    access: createGithubAccess(app),
    builds: openCloudBuilds({ place, planKey: planKeyOf(planKey.current), codeHost, clock }),
  };
}
