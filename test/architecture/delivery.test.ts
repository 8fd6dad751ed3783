// From commit to release: cloudbuild.yaml, skaffold.yaml, the Dockerfile and the topology say the same.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { deployments } from "../../scripts/delivery/deployments.ts";
import { IMAGE_NAME, releaseManifest, type RunningService } from "../../scripts/delivery/manifest.ts";
import { readTopology } from "../../scripts/compose/topology.ts";
import { parseDockerfile } from "../support/dockerfile.ts";
import { temporaryFolder } from "../support/folder.ts";
import { readSource, ROOT } from "../support/source-files.ts";

interface Step {
  readonly id: string;
  readonly waitFor?: readonly string[];
  readonly script: string;
  readonly automapSubstitutions?: boolean;
}

const cloudBuild = parse(readSource("cloudbuild.yaml")) as {
  readonly substitutions: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly images: readonly string[];
};
interface Skaffold {
  readonly manifests: { readonly rawYaml: readonly string[] };
  readonly profiles?: unknown;
}
const scripts = cloudBuild.steps.map(({ script }) => script).join("\n");

/** As Cloud Run describes a service (v1 of its API), with what the server adds. */
const running = (name: string, service: string): RunningService & Readonly<Record<string, unknown>> => ({
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  metadata: {
    name,
    namespace: "123456789012",
    uid: "5c1e",
    resourceVersion: "AAY",
    labels: { "cloud.googleapis.com/location": "us-central1" },
    annotations: {
      "run.googleapis.com/ingress": "internal",
      "run.googleapis.com/ingress-status": "internal",
      "run.googleapis.com/custom-audiences": JSON.stringify([name]),
      "run.googleapis.com/operation-id": "1f",
      "serving.knative.dev/lastModifier": "ada@example.com",
    },
  } as RunningService["metadata"] & object,
  spec: {
    template: {
      metadata: {
        name: `${name}-00007-abc`,
        annotations: {
          "autoscaling.knative.dev/maxScale": "10",
          "run.googleapis.com/client-name": "terraform",
        },
      },
      spec: {
        serviceAccountName: `${name}@p.iam.gserviceaccount.com`,
        timeoutSeconds: 55,
        containers: [
          {
            image: "us-docker.pkg.dev/p/r/services@sha256:00",
            args: [service],
            env: [{ name: "A", value: "1" }],
          },
        ],
      } as object,
    },
  },
  status: { url: "https://example.a.run.app" },
});

/** Runs the program of a release; throws what it said where it failed. */
function program(...args: readonly string[]): string {
  const path = join(ROOT, "scripts/delivery/release.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Every service that the program names, as Cloud Run would describe it, in a folder. */
function described(folder: string): { readonly names: readonly string[]; readonly from: string } {
  const from = join(folder, "running");
  mkdirSync(from);
  for (const { key, service } of deployments()) {
    const name = `signalbox-dev-${key}`;
    writeFileSync(join(from, `${name}.json`), JSON.stringify(running(name, service)));
  }
  return { names: program("names", "signalbox-dev").trim().split("\n"), from };
}

describe("the build of an image", () => {
  test("checks before it builds, signs what it built, and releases last", () => {
    const before = new Map<string, ReadonlySet<string>>();
    for (const { id, waitFor = [] } of cloudBuild.steps)
      before.set(id, new Set(waitFor.flatMap((each) => [each, ...(before.get(each) ?? [])])));
    expect([...(before.get("build") ?? [])]).toContain("check");
    expect([...(before.get("sign") ?? [])]).toContain("build");
    for (const id of ["check", "build", "sign", "sources"])
      expect([...(before.get("release") ?? [])]).toContain(id);
  });

  test("builds every target that the Dockerfile offers, and nothing else", () => {
    const stages = parseDockerfile(readSource("Dockerfile"));
    const offered = stages.filter(({ instructions }) =>
      instructions.some(({ keyword }) => keyword === "ENTRYPOINT"),
    );
    const names = offered.map(({ name }) => name).toSorted();
    expect(cloudBuild.images.map((image) => /\/(\w+):/.exec(image)?.[1]).sort()).toEqual(names);
    expect(/for target in (.*); do/.exec(scripts)?.[1]?.split(" ").sort()).toEqual(names);
  });

  test("takes every base image of the Dockerfile by digest, where one is given", () => {
    const bases = [...readSource("Dockerfile").matchAll(/^ARG (\w+)=\S+:\S+$/gm)].map(
      ([, name = ""]) => name,
    );
    expect(bases.length).toBeGreaterThan(2);
    const taken = [...scripts.matchAll(/--build-arg "(\w+)=\$_(\w+)_IMAGE"/g)].map(([, name, from]) => [
      name,
      from,
    ]);
    expect(taken.toSorted()).toEqual(bases.map((name) => [name, name]).toSorted());
  });

  test("names only files, scripts and settings that there are", () => {
    const paths = [...scripts.matchAll(/(?:node|bash) ([\w./-]+\.(?:ts|sh))/g)].map(([, path = ""]) => path);
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
    const commands = (JSON.parse(readSource("package.json")) as { scripts: Record<string, string> }).scripts;
    for (const [, name = ""] of scripts.matchAll(/npm run (\w+)/g))
      expect(Object.keys(commands)).toContain(name);
    const asked = new Set([...scripts.matchAll(/\$(_[A-Z_]+)/g)].map(([, name]) => name));
    expect([...asked].sort()).toEqual(Object.keys(cloudBuild.substitutions).sort());
    for (const { id, script, automapSubstitutions } of cloudBuild.steps)
      if (/\$_|\$\{?COMMIT/.test(script)) expect([id, automapSubstitutions]).toEqual([id, true]);
  });

  test("is told all that it asks for where a push starts it", () => {
    const trigger = readSource("terraform/control-plane/build-trigger.tf");
    const told = [...trigger.matchAll(/^ +(_[A-Z]+) += /gm)].map(([, name = ""]) => name);
    const bases = [...readSource("terraform/control-plane/variables.tf").matchAll(/"(_[A-Z]+_IMAGE)"/g)];
    const given = [...told, ...bases.map(([, name = ""]) => name)];
    expect(given.toSorted()).toEqual(Object.keys(cloudBuild.substitutions).toSorted());
  });
});

/**
 * What `skaffold/v4beta11` (Skaffold 2.12) allows where our file has something, `additionalProperties` being false everywhere: compared with
 * pkg/skaffold/schema/v4beta11/config.go of GoogleContainerTools/skaffold. Skaffold itself was never run here.
 */
const SKAFFOLD_KEYS: Readonly<Record<string, readonly string[]>> = {
  "": [
    "apiVersion",
    "kind",
    "metadata",
    "requires",
    "build",
    "test",
    "manifests",
    "deploy",
    "portForward",
    "resourceSelector",
    "verify",
    "customActions",
    "profiles",
  ],
  metadata: ["name", "labels", "annotations"],
  manifests: [
    "rawYaml",
    "remoteManifests",
    "kustomize",
    "helm",
    "kpt",
    "hooks",
    "transform",
    "validate",
    "output",
  ],
  deploy: [
    "docker",
    "helm",
    "kpt",
    "kubectl",
    "cloudrun",
    "statusCheck",
    "statusCheckDeadlineSeconds",
    "tolerateFailuresUntilDeadline",
    "kubeContext",
    "logs",
  ],
  "deploy.cloudrun": ["projectid", "region", "hooks"],
};

test("skaffold.yaml has keys that its version of Skaffold has, and no other", () => {
  const file = parse(readSource("skaffold.yaml")) as Readonly<Record<string, unknown>>;
  expect(file).toMatchObject({
    apiVersion: "skaffold/v4beta11",
    kind: "Config",
    manifests: { rawYaml: [expect.any(String)] },
  });
  const looked = new Set<string>();
  const look = (at: string, value: unknown): readonly string[] => {
    const allowed = SKAFFOLD_KEYS[at];
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    if (allowed === undefined) return [`${at} is not compared`];
    looked.add(at);
    return Object.entries(value).flatMap(([key, inner]) => {
      const below = at === "" ? key : `${at}.${key}`;
      return allowed.includes(key) ? look(below, inner) : [`${below} is unknown`];
    });
  };
  expect(look("", file)).toEqual([]);
  expect([...looked].toSorted()).toEqual(Object.keys(SKAFFOLD_KEYS).toSorted());
});

describe("the releases of a commit", () => {
  test("are one of every service of the topology, by its door", () => {
    expect(new Set(deployments().map(({ service }) => service))).toEqual(
      new Set(Object.keys(readTopology())),
    );
    expect(deployments().map(({ key }) => key)).toEqual(
      expect.arrayContaining(["api", "api-programs", "webhook"]),
    );
  });

  test("change the image and nothing else", () => {
    const manifest = releaseManifest(
      running("signalbox-dev-rollout", "rollout"),
      "signalbox-dev-rollout",
      "rollout",
    );
    expect(manifest).toEqual({
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata: {
        name: "signalbox-dev-rollout",
        labels: { "cloud.googleapis.com/location": "us-central1" },
        annotations: {
          "run.googleapis.com/ingress": "internal",
          "run.googleapis.com/custom-audiences": '["signalbox-dev-rollout"]',
        },
      },
      spec: {
        template: {
          metadata: { labels: {}, annotations: { "autoscaling.knative.dev/maxScale": "10" } },
          spec: {
            serviceAccountName: "signalbox-dev-rollout@p.iam.gserviceaccount.com",
            timeoutSeconds: 55,
            containers: [{ image: IMAGE_NAME, args: ["rollout"], env: [{ name: "A", value: "1" }] }],
          },
        },
        traffic: [{ latestRevision: true, percent: 100 }],
      },
    });
  });

  test("are refused for a document that is another's, or a service that runs something else", () => {
    const document = running("signalbox-dev-rollout", "rollout");
    expect(() => releaseManifest(document, "signalbox-dev-data", "data")).toThrow(/signalbox-dev-rollout/);
    expect(() => releaseManifest(document, "signalbox-dev-rollout", "data")).toThrow(/apply Terraform first/);
  });

  test("are each rendered from a folder of their own, which holds one service", () => {
    const folder = temporaryFolder();
    const { names, from } = described(folder);
    const to = join(folder, "releases");
    program("sources", "signalbox-dev", from, to);
    expect(readdirSync(to).sort()).toEqual(names.toSorted());
    for (const name of names) {
      const files = readdirSync(join(to, name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(join(to, name), join(entry.parentPath, entry.name)));
      const skaffold = parse(readFileSync(join(to, name, "skaffold.yaml"), "utf8")) as Skaffold;
      expect(skaffold.profiles).toBeUndefined();
      const [manifest = "", ...others] = skaffold.manifests.rawYaml;
      expect([others, files.toSorted()]).toEqual([[], [manifest, "skaffold.yaml"].toSorted()]);
      const documents = parseAllDocuments(readFileSync(join(to, name, manifest), "utf8"));
      expect(documents.map((document) => document.toJS() as unknown)).toMatchObject([
        { kind: "Service", metadata: { name } },
      ]);
    }
  });

  test("are all left out where one service is not as the topology says", () => {
    const folder = temporaryFolder();
    const { names, from } = described(folder);
    const last = names.at(-1) ?? "";
    writeFileSync(join(from, `${last}.json`), JSON.stringify(running(last, "something-else")));
    expect(() => program("sources", "signalbox-dev", from, join(folder, "releases"))).toThrow(
      `${last} does not run the service`,
    );
    expect(existsSync(join(folder, "releases"))).toBe(false);
  });
});
