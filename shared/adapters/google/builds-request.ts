// The request that creates a build: one step of our own image, under the identity of its phase. No secret is in it, only names of some.
import { createHash } from "node:crypto";
import { invalidArgument } from "../../domain/errors.ts";
import type { BuildSpec } from "../../ports/builds.ts";

/** Where builds run, as what, and what they reach. */
export interface BuildPlace {
  readonly project: string;
  readonly location: string;
  /** Our image with Terraform and the build program, by digest. */
  readonly image: string;
  /** `gs://BUCKET/FOLDER` of the objects that a build and we share. */
  readonly folder: string;
  /** E-mail addresses of the service accounts: one that reads, one that may change the world. */
  readonly identities: { readonly plan: string; readonly apply: string };
  /** `projects/P/locations/L/workerPools/N`; without one the default pool. */
  readonly workerPool?: string;
  /** Bucket of Cloud Build's own logs; without one they go to Cloud Logging only. Ours are objects in `folder`. */
  readonly logsBucket?: string;
  /** More variables of the step; no secrets. The image needs SIGNALBOX_PLANS_BUCKET and SIGNALBOX_STATE_BUCKET. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Variables of the step → versions of Secret Manager's secrets, such as `projects/P/secrets/S/versions/3`. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Where digests are computed: under an identity that reads artifacts, and no state, plan or cloud. */
export interface DigestPlace extends Omit<BuildPlace, "identities" | "environment" | "secrets"> {
  /** E-mail address of its service account. */
  readonly identity: string;
}

/** How long a build may wait for a machine before it is worth nothing any more. */
export const BUILD_QUEUE_TTL_MS = { plan: 30 * 60_000, apply: 6 * 3_600_000, digest: 3_600_000 } as const;
/** How long reading one artifact may take: at 100 MB a second that is two terabytes. */
export const DIGEST_TIME_LIMIT_MS = 6 * 3_600_000;
/** What a build has beyond its time limit: to pull the image, to stop Terraform, to write its result. */
export const BUILD_TIMEOUT_MARGIN_MS = 5 * 60_000;
/** Cloud Build runs nothing for longer. */
export const BUILD_TIMEOUT_MS_MAX = 24 * 3_600_000;

/** Tag of everything that we create. */
export const OUR_TAG = "signalbox";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** The tag by which the builds of an id are found: of which there should be one. */
export const tagOf = (id: string): string => `idem-${hash(id)}`;

/** A duration as the generated clients want it. */
const seconds = (ms: number) => ({ seconds: Math.ceil(ms / 1_000) });

/** In the arguments of a step Cloud Build replaces `$NAME`; `$$` is a dollar. */
const plain = (text: string): string => text.replaceAll("$", "$$$$");

const IMAGE = /^[a-z0-9][\w.:/-]*@sha256:[0-9a-f]{64}$/;

type Place = Omit<BuildPlace, "identities">;

function requirePlace({ image, folder }: Place): void {
  if (!IMAGE.test(image)) throw invalidArgument("image", "Name the build image by digest: NAME@sha256:….");
  if (!/^gs:\/\/[a-z0-9][\w.-]{1,221}[a-z0-9](\/[\w.-]+)*$/.test(folder))
    throw invalidArgument("folder", "Name the folder of builds as gs://BUCKET/FOLDER.");
}

/** The part that builds of ours have in common. */
function common(place: Place, kind: keyof typeof BUILD_QUEUE_TTL_MS, identity: string, timeLimitMs: number) {
  const { project, workerPool, logsBucket, secrets = {} } = place;
  requirePlace(place);
  const timeoutMs = Math.min(timeLimitMs + BUILD_TIMEOUT_MARGIN_MS, BUILD_TIMEOUT_MS_MAX);
  const available = Object.entries(secrets).map(([env, versionName]) => ({ env, versionName }));
  return {
    serviceAccount: `projects/${project}/serviceAccounts/${identity}`,
    timeout: seconds(timeoutMs),
    queueTtl: seconds(BUILD_QUEUE_TTL_MS[kind]),
    ...(logsBucket === undefined ? {} : { logsBucket: `gs://${logsBucket}` }),
    ...(available.length === 0 ? {} : { availableSecrets: { secretManager: available } }),
    options: {
      // With an own service account one of the two has to be chosen.
      logging: logsBucket === undefined ? ("CLOUD_LOGGING_ONLY" as const) : ("GCS_ONLY" as const),
      ...(workerPool === undefined ? {} : { pool: { name: workerPool } }),
    },
  };
}

function step({ image, folder, environment = {}, secrets = {} }: Place, id: string, args: readonly string[]) {
  const env = Object.entries(environment).map(([name, value]) => plain(`${name}=${value}`));
  return {
    id: "signalbox",
    name: image,
    args: args.map(plain),
    env: ["BUILD_ID=$BUILD_ID", plain(`SIGNALBOX_BUILD_FOLDER=${folder}`), `SIGNALBOX_BUILD=${id}`, ...env],
    secretEnv: Object.keys(secrets),
  };
}

/** The build that plans or applies. Its specification is an object: arguments have limits, and a closure may be long. */
export function buildRequest(place: BuildPlace, id: string, spec: BuildSpec) {
  return {
    tags: [OUR_TAG, tagOf(id), `kind-${spec.kind}`, `stack-${hash(spec.stack)}`],
    steps: [step(place, id, ["build"])],
    ...common(place, spec.kind, place.identities[spec.kind], spec.timeLimitMs),
  };
}

/** The build that computes a digest, told what to read by an object. */
export function digestRequest(place: DigestPlace, id: string) {
  return {
    tags: [OUR_TAG, tagOf(id), "kind-digest"],
    steps: [step(place, id, ["digest"])],
    ...common(place, "digest", place.identity, DIGEST_TIME_LIMIT_MS),
  };
}
