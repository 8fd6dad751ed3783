// A fake of the part of a cluster that serves: Deployments that start pods, become ready, never do, die and are started again.
import type { WorkloadClient, WorkloadObject } from "../../../shared/adapters/google/deploys-workloads.ts";
import type { Manifest } from "../../../shared/adapters/google/deploys-template.ts";

/** How long a pod takes to become ready, and a Deployment to pass its deadline. */
const READY_MS = 15;

interface Kept {
  object: WorkloadObject;
  starts: number;
  neverReady: boolean;
}

/** The fake. */
export interface ClusterFake {
  readonly client: WorkloadClient;
  /** Everything that was ever applied, by kind and name. */
  readonly applied: Manifest[];
  readonly apply: (manifests: readonly Manifest[]) => void;
  readonly starts: (backend: string) => number;
  readonly kill: (backend: string) => void;
  /** The next `times` requests fail so. */
  readonly fail: (error: Error, times?: number) => void;
  readonly requests: string[];
  readonly close: () => void;
}

/** A cluster with nothing in it. */
export function createClusterFake(): ClusterFake {
  const kept = new Map<string, Kept>();
  const applied: Manifest[] = [];
  const requests: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const failures: Error[] = [];
  const later = (work: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, READY_MS);
    timers.add(timer);
  };
  const conditions = (status: "True" | "False", reason: string, message: string) => [
    { type: "Progressing", status, reason, message, lastUpdateTime: new Date().toISOString() },
  ];
  const set = (each: Kept, status: NonNullable<WorkloadObject["status"]>): void => {
    each.object = { ...each.object, status };
  };
  const start = (each: Kept, isNew: boolean): void => {
    each.starts += 1;
    if (isNew) set(each, { conditions: conditions("True", "ReplicaSetUpdated", "Started.") });
    later(() => {
      const replicas = each.object.spec?.replicas ?? 1;
      if (replicas === 0) return;
      if (each.neverReady)
        return set(each, {
          conditions: conditions("False", "ProgressDeadlineExceeded", "it has timed out progressing"),
        });
      set(each, {
        readyReplicas: replicas,
        conditions: conditions("True", "NewReplicaSetAvailable", "Done."),
      });
    });
  };
  const guard = (line: string): void => {
    requests.push(line);
    const error = failures.shift();
    if (error !== undefined) throw error;
  };
  return {
    applied,
    requests,
    client: {
      list: async <Kind>(path: string, labels = "") => {
        guard(`GET ${path}?${labels}`);
        const [label = "", value] = labels.split("=");
        return [...kept.values()]
          .map(({ object }) => object)
          .filter(({ metadata }) => metadata.labels?.[label] === value) as Kind[];
      },
      patch: async (path: string, patch: object) => {
        guard(`PATCH ${path}`);
        const each = [...kept.values()].find(({ object }) =>
          path.endsWith(
            `/namespaces/${object.metadata.namespace ?? ""}/deployments/${object.metadata.name}/scale`,
          ),
        );
        if (each === undefined) return { kind: "absent" };
        const { spec } = patch as { spec: { replicas: number } };
        const before = each.object.spec?.replicas;
        each.object = { ...each.object, spec: { ...each.object.spec, ...spec } };
        if (spec.replicas === 0)
          set(each, { conditions: conditions("True", "NewReplicaSetAvailable", "Scaled.") });
        else if (before === 0) start(each, false);
        return { kind: "written", object: each.object as never };
      },
    },
    apply(manifests) {
      for (const manifest of manifests) {
        applied.push(manifest);
        const { kind, metadata, spec } = manifest;
        if (kind !== "Deployment" || metadata?.name === undefined) continue;
        const same = kept.get(metadata.name);
        if (same !== undefined) continue;
        const object = {
          ...manifest,
          metadata: { ...metadata, name: metadata.name },
          spec: spec as { replicas?: number },
        };
        const each: Kept = { object, starts: 0, neverReady: JSON.stringify(spec).includes("never-ready") };
        kept.set(metadata.name, each);
        start(each, true);
      }
    },
    starts: (backend) => kept.get(backend)?.starts ?? 0,
    kill(backend) {
      const each = kept.get(backend);
      if (each === undefined) throw new Error(`There is no ${backend}.`);
      set(each, { conditions: conditions("True", "NewReplicaSetAvailable", "Done.") });
      later(() => start(each, false));
    },
    fail: (error, times = 1) => void failures.push(...Array.from({ length: times }, () => error)),
    close: () => timers.forEach(clearTimeout),
  };
}
