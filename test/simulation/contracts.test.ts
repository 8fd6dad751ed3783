// What the simulator brings instead of the product's adapters keeps the same law.
import { onTestFinished } from "vitest";
import type { BuildSpec } from "../../shared/ports/builds.ts";
import type { ReleaseRequest } from "../../shared/ports/deploys.ts";
import { buildsContract } from "../contracts/builds.ts";
import { itBehavesLikeCluster } from "../contracts/cluster.ts";
import { codeHostContract } from "../contracts/code-host.ts";
import { deploysContract } from "../contracts/deploys.ts";
import { CONTRACT_WORKFLOWS, itBehavesLikeExecutions } from "../contracts/executions.ts";
import { metricsContract } from "../contracts/metrics.ts";
import { trafficContract } from "../contracts/traffic.ts";
import {
  backendOf,
  type Behaviour,
  createBackends,
  ENDPOINT,
  versionNamed,
} from "../support/simulated-serving.ts";
import { createMemoryTraffic } from "../support/memory-traffic.ts";
import { createSimulatedChecks, createSimulatedGit } from "./git.ts";
import { createHistory } from "./history.ts";
import { createRandom } from "../../shared/domain/random.ts";
import { observedTraffic } from "./observed.ts";
import { createOutside } from "./outside.ts";
import { createSimulatedExecutions } from "./process.ts";
import { createSimulatedRay } from "./ray.ts";
import { createCounters } from "./requests.ts";
import { createLife } from "./seam.ts";
import { createSimulatedBuilds } from "./terraform.ts";
import { createSimulatedTime, type SimulatedTime } from "./time.ts";
import { watchfulLog } from "./watchful-log.ts";

/** Virtual time that goes on between two looks of the suite. */
const BETWEEN_LOOKS_MS = 500;
/** Longer than a suite takes. */
const LONG_MS = 86_400_000;

/** The port, with time going on before each call of one of its methods. */
function passing<Port extends object>(time: SimulatedTime, port: Port, method: keyof Port): Port {
  return new Proxy(port, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key);
      if (key !== method || typeof value !== "function") return value;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        await time.advanceTo(time.now().getTime() + BETWEEN_LOOKS_MS);
        return (await Reflect.apply(value, target, args)) as unknown;
      };
    },
  });
}

const SPEC: BuildSpec = {
  kind: "plan",
  stack: "stacks/web",
  repository: "acme/platform",
  tree: "0".repeat(40),
  directory: "stacks/web",
  varFiles: [],
  files: [],
  allow: { providers: [], provisioners: [], dataSources: [], modules: [] },
  timeLimitMs: 60_000,
  lockTimeoutSeconds: 1,
  closureDigest: "sha256:one",
  configDigest: "sha256:two",
};

buildsContract("the simulated builds", async () => {
  const time = createSimulatedTime();
  const simulated = createSimulatedBuilds({
    time,
    random: createRandom(1),
    history: createHistory(() => time.now()),
    broken: (what) => {
      throw new Error(what);
    },
    healed: () => true,
    durationMs: ({ kind }) => (kind === "plan" ? 1_000 : LONG_MS),
  });
  const builds = passing(time, simulated.builds, "status");
  return {
    builds,
    restarted: () => builds,
    quick: SPEC,
    slow: async () => ({ ...SPEC, kind: "apply", planBlob: "sha256:plan", stateSerial: 0 }),
    kill: async (id) => simulated.kill(id),
  };
});

deploysContract("the simulated backends", async () => {
  const time = createSimulatedTime();
  const behaviours = new Map<string, Behaviour>();
  const trained = new Map<string, string>();
  const backends = createBackends(time, behaviours, {
    readyTimeoutMs: 2_000,
    digest: (uri) => trained.get(uri),
  });
  let made = 0;
  return {
    deploys: passing(time, backends.deploys, "status"),
    async request(kind): Promise<ReleaseRequest> {
      made += 1;
      const backend = backendOf(made);
      if (kind === "never-ready") behaviours.set(backend, { readyMs: Infinity });
      if (kind === "wrong-digest") trained.set(`file:///models/${made}`, "sha256:other");
      return {
        endpoint: ENDPOINT,
        modelVersion: versionNamed(made),
        backend,
        artifact: { uri: `file:///models/${made}`, digest: `sha256:${made}` },
        serving: { parameters: {}, directory: "." },
        repository: "acme/platform",
        commit: "0".repeat(40),
      };
    },
    starts: async (backend) => backends.startsOf(backend),
    kill: async (backend) => backends.restart(backend),
    dispose: async () => {},
  };
});

trafficContract("the observed traffic document", async () => {
  const time = createSimulatedTime();
  const observer = { history: createHistory(() => time.now()), broken: () => {} };
  return observedTraffic(createMemoryTraffic(), observer, { stateOf: () => "ready", hasEnded: () => false });
});

itBehavesLikeCluster("the simulated Ray", async () => {
  const time = createSimulatedTime();
  const { cluster } = createSimulatedRay(() => time.now(), createRandom(1));
  return {
    cluster: passing(time, cluster, "status"),
    entrypoints: { succeed: "succeed", fail: "fail no such column", hang: "hang" },
    waitMs: 5_000,
  };
});

metricsContract("the simulated counters", async () => {
  const time = createSimulatedTime();
  const counters = createCounters(ENDPOINT);
  let reachable = true;
  return {
    metrics: counters.metrics,
    endpoint: ENDPOINT,
    set: (backend, requests, errors) => counters.set(backend, { requests, errors }),
    restart: () => counters.restart(),
    reachable: (yes) => void (reachable = yes),
    async read() {
      await time.advanceTo(time.now().getTime() + 1_000);
      const at = time.now().toISOString();
      if (reachable) counters.scrape(at);
      return at;
    },
    dispose: async () => {},
  };
});

codeHostContract("the simulated code host", async () => {
  const git = createSimulatedGit("acme/platform");
  const first = git.commit({
    files: {
      "a.txt": "a\n",
      "B.txt": "B\n",
      "dir/ü b.txt": "u\n",
      "run.sh": { mode: "100755", text: "r\n" },
      link: { mode: "120000", text: "a.txt" },
    },
  });
  const people = ["ada@example.test", "carl@example.test"];
  return {
    codeHost: git.codeHost,
    checks: createSimulatedChecks(),
    repository: "acme/platform",
    first,
    head: git.commit({ parent: first, files: { "head.txt": "h\n" }, people }),
    base: git.commit({ parent: first, files: { "base.txt": "b\n" } }),
    conflict: {
      base: git.commit({ parent: first, files: { "a.txt": "one\n" } }),
      head: git.commit({ parent: first, files: { "a.txt": "two\n" } }),
    },
  };
});

itBehavesLikeExecutions("executions in a simulated life", async () => {
  const outside = createOutside(1, { roughness: 0, crashAt: undefined });
  onTestFinished(() => outside.close());
  const { time, faults, history } = outside;
  const life = createLife({
    name: "life-1",
    time,
    faults,
    history,
    crashAt: undefined,
    onCrash: () => {},
    onLostReply: () => {},
  });
  const nobody = () => Promise.reject(new Error("No API is here."));
  const log = watchfulLog(outside, "life-1");
  return createSimulatedExecutions(outside, life, log, nobody, CONTRACT_WORKFLOWS).executions;
});
