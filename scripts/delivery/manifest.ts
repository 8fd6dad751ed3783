// The manifest of a release from the Cloud Run service as it runs. Terraform owns every setting; a release brings an image and
// nothing else, so what Cloud Deploy applies is what is there, without what the server wrote, and with the name of our image.

/** Stands for the image in manifests; `--images` of a release says which it is. */
export const IMAGE_NAME = "signalbox";

/** Annotations that only the server writes, or that say who wrote last. */
const SERVERS_ANNOTATIONS = new Set([
  "run.googleapis.com/client-name",
  "run.googleapis.com/client-version",
  "run.googleapis.com/ingress-status",
  "run.googleapis.com/operation-id",
  "run.googleapis.com/urls",
  "serving.knative.dev/creator",
  "serving.knative.dev/lastModifier",
]);

type Annotations = Readonly<Record<string, string>>;

interface Metadata {
  readonly name?: string;
  readonly labels?: Annotations;
  readonly annotations?: Annotations;
}

interface Container {
  readonly args?: readonly string[];
  readonly image?: string;
}

/** The part of a `serving.knative.dev/v1` Service that is looked at. */
export interface RunningService {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: Metadata;
  readonly spec?: {
    readonly template?: {
      readonly metadata?: Metadata;
      readonly spec?: { readonly containers?: readonly Container[] };
    };
  };
}

const ours = (annotations: Annotations = {}): Annotations =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => !SERVERS_ANNOTATIONS.has(key)));

/** The manifest of the service `name`, which runs `service`. Throws where the document is another's, or not what Terraform makes. */
export function releaseManifest(document: RunningService, name: string, service: string): object {
  const { apiVersion, kind, metadata = {}, spec = {} } = document;
  if (apiVersion !== "serving.knative.dev/v1" || kind !== "Service" || metadata.name !== name)
    throw new Error(`The document of ${name} is ${apiVersion} ${kind} ${metadata.name}.`);
  const { metadata: revision = {}, spec: template = {} } = spec.template ?? {};
  const [container, ...others] = template.containers ?? [];
  if (container === undefined || others.length > 0 || container.args?.join(" ") !== service)
    throw new Error(`${name} does not run the service ${service} alone: apply Terraform first.`);
  return {
    apiVersion,
    kind,
    metadata: { name, labels: metadata.labels ?? {}, annotations: ours(metadata.annotations) },
    spec: {
      template: {
        // Without its name, so that the revision gets a new one.
        metadata: { labels: revision.labels ?? {}, annotations: ours(revision.annotations) },
        spec: { ...template, containers: [{ ...container, image: IMAGE_NAME }] },
      },
      traffic: [{ latestRevision: true, percent: 100 }],
    },
  };
}
