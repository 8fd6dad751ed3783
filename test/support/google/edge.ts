// An edge of Signalbox as Cloud Run runs it: the real program with the settings of Terraform, and on loopback what it may reach there:
// the issuers of Google, IAP and GitHub, Secret Manager, the metadata server, and an API server of a cluster. Firestore, Pub/Sub,
// Prometheus and all else of Google are away.
import { onTestFinished } from "vitest";
import { GITHUB_ISSUER } from "../../../shared/adapters/google/oidc-github.ts";
import { IAP_ISSUER } from "../../../shared/adapters/google/oidc-iap.ts";
import { formatPrincipals } from "../../../shared/runtime/principals-file.ts";
import type { PrincipalEntry } from "../../../shared/runtime/identity.ts";
import { temporaryFolder } from "../folder.ts";
import { startService } from "../service-process.ts";
import { type Site, startInternet } from "./internet.ts";
import { ARTIFACT_SETTINGS } from "./artifact-settings.ts";
import { startMetadata } from "./metadata-fake.ts";
import { startIssuer } from "./oidc-issuer-fake.ts";
import { createRestFront } from "./rest-front.ts";
import { RUNS_SETTINGS } from "./runs-settings.ts";
import { createSecretsFake } from "./secrets-fake.ts";

/** The host by which the edge is called. */
export const EDGE_HOST = "signalbox-prod-api-123.us-central1.run.app";
const PREFIX = "signalbox-prod";
const CLUSTER_HOST = "gke-0123.us-central1.gke.goog";

/** What Terraform tells both doors. */
const SHARED = {
  SIGNALBOX_WORLD: "google-cloud",
  K_SERVICE: "signalbox-prod-api",
  GOOGLE_CLOUD_PROJECT: "acme",
  SIGNALBOX_PREFIX: PREFIX,
  ...ARTIFACT_SETTINGS,
  ...RUNS_SETTINGS,
  SIGNALBOX_DATABASE: PREFIX,
  SIGNALBOX_FACTS_TOPIC: `${PREFIX}-facts`,
  SIGNALBOX_BUILDS_FOLDER: "gs://acme-fences/builds",
  SIGNALBOX_CLUSTER: "projects/acme/locations/us-central1/clusters/models",
  SIGNALBOX_CLUSTER_ENDPOINT: `https://${CLUSTER_HOST}`,
  SIGNALBOX_GATEWAY: "signalbox-gateways/models",
  SIGNALBOX_BACKEND_PORT: "80",
  SIGNALBOX_HOSTS: EDGE_HOST,
};

/** What each door is told besides. */
export const DOORS = {
  people: {
    SIGNALBOX_DOOR: "people",
    SIGNALBOX_IAP_AUDIENCE: `/projects/123/locations/us-central1/services/${PREFIX}-api`,
  },
  programs: {
    SIGNALBOX_DOOR: "programs",
    SIGNALBOX_AUDIENCES: `${PREFIX}-api-programs,https://${EDGE_HOST}`,
    SIGNALBOX_WORKFLOW_ACCOUNT: `${PREFIX}-workflows@acme.iam.gserviceaccount.com`,
    SIGNALBOX_SUBSCRIPTION: `projects/acme/subscriptions/${PREFIX}-events`,
    SIGNALBOX_PUSH_ACCOUNT: `${PREFIX}-to-events@acme.iam.gserviceaccount.com`,
  },
} as const;

/** The account as which outside events are pushed. */
export const PUSH_ACCOUNT = DOORS.programs.SIGNALBOX_PUSH_ACCOUNT;

const nowSeconds = (): number => Math.floor(Date.now() / 1_000);
const times = () => ({ iat: nowSeconds(), exp: nowSeconds() + 600 });

async function startIssuers() {
  const iap = await startIssuer({
    algorithm: "ES256",
    honest: () => ({
      iss: IAP_ISSUER,
      aud: DOORS.people.SIGNALBOX_IAP_AUDIENCE,
      sub: "accounts.google.com:1000",
      email: "grace@example.com",
      ...times(),
    }),
  });
  const google = await startIssuer({
    honest: () => ({
      iss: "https://accounts.google.com",
      aud: `https://${EDGE_HOST}`,
      sub: "1000",
      email: "grace@example.com",
      email_verified: true,
      ...times(),
    }),
  });
  const github = await startIssuer({
    honest: () => ({
      iss: GITHUB_ISSUER,
      aud: `https://${EDGE_HOST}`,
      sub: "repo:acme/platform:ref:refs/heads/main",
      repository_id: "77",
      repository_owner_id: "7",
      ref: "refs/heads/main",
      event_name: "push",
      ...times(),
    }),
  });
  return { iap, google, github };
}

/** Who is known: one person by her account of Google, and the jobs of one repository. */
export const KNOWN: readonly PrincipalEntry[] = [
  { principal: "grace", role: "operator", codeHostLogins: [], google: [{ email: "grace@example.com" }] },
  {
    principal: "ci",
    role: "engineer",
    codeHostLogins: [],
    githubActions: [{ repositoryId: "77", ownerId: "7", ref: "refs/heads/main" }],
  },
];

/** What an edge may reach. Closed when the test ends. */
export async function startEdgeWorld(cluster: Site, accessToken: string) {
  const issuers = await startIssuers();
  const secrets = createSecretsFake("acme");
  secrets.add(`${PREFIX}-principals`, formatPrincipals(KNOWN));
  secrets.add(`${PREFIX}-page-key`, Buffer.alloc(32, 5).toString("base64url"));
  const secretFront = await createRestFront(secrets.fake);
  onTestFinished(() => secretFront.close());
  const metadata = await startMetadata(
    issuers.google,
    "signalbox-prod-api@acme.iam.gserviceaccount.com",
    accessToken,
  );
  const siteAt = (url: string): Site => ({ port: Number(new URL(url).port) });
  const internet = await startInternet({
    "www.gstatic.com": siteAt(issuers.iap.keysUrl),
    "www.googleapis.com": siteAt(issuers.google.keysUrl),
    "token.actions.githubusercontent.com": siteAt(issuers.github.keysUrl),
    "secretmanager.googleapis.com": siteAt(secretFront.url),
    [CLUSTER_HOST]: cluster,
  });
  const environment = (service: string, door: Readonly<Record<string, string>>) => ({
    ...SHARED,
    ...door,
    K_SERVICE: `${PREFIX}-${service}`,
    SIGNALBOX_STATE: temporaryFolder(),
    PORT: "0",
    GCE_METADATA_HOST: metadata.host,
    METADATA_SERVER_DETECTION: "assume-present",
    ...internet.environment,
  });
  const start = (service: "api" | "console", door: Readonly<Record<string, string>>) =>
    startService(service, environment(service, door));
  return { ...issuers, secrets, secretFront, start };
}
