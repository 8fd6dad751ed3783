// People who ask for Ray runs by seed, cancel some of them, and whoever restarts the head of the cluster.
import { outputOf } from "./artifacts.ts";
import { type Callers, persist } from "./client.ts";

const SCIENTIST = { principal: "sam", role: "engineer", codeHostLogins: [] } as const;
const ENTRYPOINTS: readonly string[] = ["succeed", "succeed", "succeed", "fail out of memory", "hang"];
/** Time limits of runs: longer and shorter than a job may take. */
const TIME_LIMIT_SECONDS: readonly number[] = [5, 15, 30];
const TIME_LIMIT_SECONDS_MAX = 30;

/** Scientists of a history. */
export function createScientists(callers: Callers) {
  const { outside } = callers;
  const { random, history, ray } = outside;
  let runs = 0;
  const nameOf = (number: number): string => `teams/default/runs/run-${number}`;
  const ask = (what: string, work: Parameters<typeof persist>[3]) => persist(callers, "sam", what, work);

  return {
    /** How many runs were asked for. */
    asked: () => runs,
    nameOf,
    /** Asks for a run of this entrypoint, or of one by chance. */
    async request(as?: string): Promise<void> {
      const number = ++runs;
      const entrypoint = as ?? random.pick(ENTRYPOINTS);
      const timeLimitSeconds = as === undefined ? random.pick(TIME_LIMIT_SECONDS) : TIME_LIMIT_SECONDS_MAX;
      const earlier = 1 + Math.floor(random.uniform() * number);
      const inputs =
        earlier < number
          ? [{ datasetVersion: `teams/default/datasets/clicks/versions/${earlier}` }]
          : [{ uri: "file:///data/raw", digest: `sha256:${"0".repeat(64)}` }];
      const call = {
        run: `run-${number}`,
        entrypoint,
        outputUri: outputOf(nameOf(number)),
        dataset: "teams/default/datasets/clicks",
        timeLimitSeconds,
        inputs,
      };
      const request = { call, cause: `api/run-${number}`, correlation: "" };
      await ask(`asks for run-${number} (${entrypoint}, ${timeLimitSeconds} s)`, (process) =>
        process.runs.create(request, SCIENTIST),
      );
    },
    async cancel(): Promise<void> {
      if (runs === 0) return;
      const name = nameOf(1 + Math.floor(random.uniform() * runs));
      await ask(`cancels ${name}`, (process) => process.runs.cancel(name, "not needed", SCIENTIST));
    },
    /** The head of the cluster forgets its jobs. */
    restartHead(): void {
      history.add("ray", "the head restarts");
      history.mark("a restarted head");
      ray.restart();
    },
  };
}

/** The scientists of a history. */
export type Scientists = ReturnType<typeof createScientists>;
