// From commit to release: cloudbuild.yaml, skaffold.yaml, the Dockerfile and the topology say the same.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
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
const skaffold = parse(readSource("skaffold.yaml")) as { manifests: { rawYaml: readonly string[] } };
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

describe("the build of an image", () => {
  test("checks before it builds, signs what it built, and releases last", () => {
    const before = new Map<string, ReadonlySet<string>>();
    for (const { id, waitFor = [] } of cloudBuild.steps)
      before.set(id, new Set(waitFor.flatMap((each) => [each, ...(before.get(each) ?? [])])));
    expect([...(before.get("build") ?? [])]).toContain("check");
    expect([...(before.get("sign") ?? [])]).toContain("build");
    for (const id of ["check", "build", "sign", "manifests"])
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
    const paths = [...scripts.matchAll(/(?:node|cp) ([\w./-]+\.(?:ts|yaml))/g)].map(([, path = ""]) => path);
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
});

describe("the manifests of a release", () => {
  test("are those of every service of the topology, by its door", () => {
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
    expect(scripts).toContain(`--images="${IMAGE_NAME}=`);
  });

  test("are refused for a document that is another's, or a service that runs something else", () => {
    const document = running("signalbox-dev-rollout", "rollout");
    expect(() => releaseManifest(document, "signalbox-dev-data", "data")).toThrow(/signalbox-dev-rollout/);
    expect(() => releaseManifest(document, "signalbox-dev-rollout", "data")).toThrow(/apply Terraform first/);
  });

  test("are written where skaffold.yaml looks, one for each name that the build asked about", () => {
    const folder = temporaryFolder();
    const program = join(ROOT, "scripts/delivery/release.ts");
    const run = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(stderr);
      return stdout;
    };
    const names = run("names", "signalbox-dev").trim().split("\n");
    const from = join(folder, "running");
    mkdirSync(from);
    for (const { key, service } of deployments())
      writeFileSync(
        join(from, `signalbox-dev-${key}.json`),
        JSON.stringify(running(`signalbox-dev-${key}`, service)),
      );
    const [glob = ""] = skaffold.manifests.rawYaml;
    const place = glob.slice(0, glob.lastIndexOf("/"));
    expect(scripts).toContain(`/workspace/release/${place}`);
    run("manifests", "signalbox-dev", from, join(folder, place));
    expect(readdirSync(join(folder, place)).sort()).toEqual(names.map((name) => `${name}.yaml`).sort());
    const [first = ""] = readdirSync(join(folder, place));
    expect(parse(readFileSync(join(folder, place, first), "utf8"))).toMatchObject({ kind: "Service" });
  });
});
