// New model versions by seed, good and bad, and what people do to their rollouts.
import { rollback } from "../../shared/runtime/rollback.ts";
import { resume } from "../../services/api/endpoints/resume.ts";
import { registerModelVersion } from "../../services/api/models/register.ts";
import { backendOf, type Behaviour, ENDPOINT } from "../support/simulated-serving.ts";
import { type Callers, persist } from "./client.ts";

const MODEL = "ranker";
const TRAINER = { principal: "services/trainer", role: "engineer", codeHostLogins: [] } as const;
const NEVER_MS = 86_400_000;
/** How long a backend that died takes to be ready again. */
const RESTART_MS = { min: 500, max: 5_000 } as const;

const BEHAVIOURS: readonly Behaviour[] = [
  {},
  {},
  {},
  { readyMs: 4_000 },
  { errorRate: 0.3 },
  { errorRate: 0.05 },
  { fails: "out of memory" },
  { readyMs: NEVER_MS },
];

/** Trainers, and the people who watch their rollouts. */
export function createTrainers(callers: Callers) {
  const { outside } = callers;
  const { random, history, behaviours, trained } = outside;
  let versions = 0;
  let requests = 0;

  const call = (what: string, work: Parameters<typeof persist>[3]) => persist(callers, "grace", what, work);
  const running = async (): Promise<string | undefined> => {
    const endpoint = await outside.views.get("endpoints", ENDPOINT);
    return (endpoint?.["running"] ?? undefined) as string | undefined;
  };

  return {
    /** Registers the next version; one that behaves as it is told, or by chance. */
    async register(as?: Behaviour): Promise<void> {
      const id = String(++versions);
      // The first version serves, or there would be nothing to compare with.
      const behaviour = as ?? (versions === 1 ? {} : random.pick(BEHAVIOURS));
      behaviours.set(backendOf(id), behaviour);
      const digest = `sha256:${id.padStart(64, "0")}`;
      const uri = `file:///models/${id}`;
      trained.set(uri, digest);
      history.add("trainer", `version ${id} is ${JSON.stringify(behaviour)}`);
      const registration = {
        model: MODEL,
        version: id,
        artifact: { uri, digest },
        endpoint: ENDPOINT,
        ...(outside.shape.runs ? { trainingRun: "teams/default/runs/run-1" } : {}),
      };
      const request = { registration, cause: `api/register-${id}`, correlation: "" };
      await persist(callers, "trainer", `registers version ${id}`, ({ ports }) =>
        registerModelVersion(ports, request, TRAINER),
      );
    },
    async resume(): Promise<void> {
      if ((await outside.document())?.traffic.hold == null) return;
      await call("resumes the endpoint", ({ ports }) =>
        resume(ports, ENDPOINT, { reason: "looked", actor: "grace" }),
      );
    },
    /** Ends a rollout that waits for a person. */
    async decide(): Promise<void> {
      const name = await running();
      if (name === undefined) return;
      if ((await outside.views.get("rollouts", name))?.["paused"] !== true) return;
      const order = { reason: "decided", actor: "grace", requestId: `decide-${++requests}` };
      await call(`aborts ${name}`, ({ operations }) => operations.abort(name, order));
    },
    /** A backend that is ready dies and is started again: one that serves, or one that is about to. */
    breakBackend(): void {
      const backends = Array.from({ length: versions }, (_, index) => backendOf(index + 1));
      const ready = backends.filter((backend) => outside.backends.stateOf(backend) === "ready");
      if (ready.length === 0) return;
      const backend = random.pick(ready);
      const readyMs = RESTART_MS.min + random.uniform() * (RESTART_MS.max - RESTART_MS.min);
      history.add("deploys", `${backend} dies and is started again`);
      history.mark("a backend that died");
      outside.backends.restart(backend, readyMs);
    },
    async rollback(): Promise<void> {
      const name = await running();
      const from = Object.keys(await outside.versionWeights()).find((version) => {
        const [id = ""] = version.split("/").slice(-1);
        return name?.includes(`/ranker-${id}-`) ?? false;
      });
      if (from === undefined) return;
      const requestId = `rollback-${++requests}`;
      await call(`rolls back ${from}`, ({ ports }) =>
        rollback(ports, { endpoint: ENDPOINT, actor: "grace", reason: "it smells", from, requestId }),
      );
    },
    async act(verb: "advance" | "abort" | "pause" | "go on"): Promise<void> {
      const name = await running();
      if (name === undefined) return;
      const order = { reason: `they ${verb}`, actor: "grace", requestId: `${verb}-${++requests}` };
      await call(`${verb} ${name}`, ({ operations }) => {
        if (verb === "advance") return operations.advance(name, order);
        if (verb === "abort") return operations.abort(name, order);
        return operations.pause(name, { ...order, paused: verb === "pause" });
      });
    },
    async retry(): Promise<void> {
      const rollouts = await outside.views.list({ collection: "rollouts", limit: 100 });
      const ended = rollouts.filter(({ document }) =>
        ["ROLLED_BACK", "ABORTED"].includes(String(document["state"])),
      );
      if (ended.length === 0) return;
      const { key } = random.pick(ended);
      const order = { reason: "again", actor: "grace", requestId: `retry-${++requests}` };
      await call(`retries ${key}`, ({ operations }) => operations.retry(key, order));
    },
  };
}

/** The trainers of a history. */
export type Trainers = ReturnType<typeof createTrainers>;
