// Random programs: whatever they do, a crash anywhere leads to the same journal, JSON twins do the same, and memory adds up.
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  compile,
  createMemoryJournal,
  createVirtualClock,
  execute,
  jsonResponse,
  launch,
  textResponse,
  type EffectRequest,
  type EffectResult,
  type JournalEntry,
  type Machine,
  type Outcome,
  type Program,
} from "../../../workflows/engine/engine.ts";

type Step = Record<string, unknown>;

const variable = fc.constantFrom("x", "y", "log");
const number = fc.constantFrom(
  "1",
  "x + 1",
  "len(string(y))",
  "double_it(x)",
  "if(x > 3, 1, 2)",
  "x // 0",
  "y.k",
  "int(sys.now()) % 7",
);

const { steps } = fc.letrec<{ steps: Step[]; step: Step }>((tie) => ({
  steps: fc.array(tie("step"), { minLength: 1, maxLength: 3 }),
  step: fc.oneof(
    { maxDepth: 3, depthIdentifier: "program" },
    fc.tuple(variable, number).map(([name, value]) => ({ assign: [{ [name]: `\${${value}}` }] })),
    fc.constantFrom<Step>(
      { assign: [{ log: '${string(log) + "a"}' }] },
      { call: "sys.sleep", args: { seconds: "${1 + x % 5}" } },
      { call: "sys.log", args: { text: "${string(x)}" } },
      { call: "http.get", args: { url: "https://x.test/a" }, result: "got" },
      { call: "double_it", args: { n: "${x}" }, result: "y" },
      { raise: { code: 409, message: "no" } },
      { switch: [{ condition: "${x > 2}", return: "${log}" }] },
    ),
    tie("steps").map((inner) => ({ steps: inner })),
    tie("steps").map((inner) => ({
      try: { steps: inner },
      except: { as: "e", steps: [{ note: { assign: [{ log: '${string(log) + "e"}' }] } }] },
    })),
    tie("steps").map((inner) => ({
      try: { steps: inner },
      retry: {
        predicate: "${http.default_retry_predicate}",
        max_retries: 2,
        backoff: { initial_delay: 1, max_delay: 3, multiplier: 2 },
      },
    })),
    tie("steps").map((inner) => ({
      for: { value: "v", range: [1, 3], steps: [{ use: { assign: [{ x: "${x + v}" }] } }, ...inner] },
    })),
    tie("steps").map((inner) => ({
      parallel: { shared: ["x", "y", "log", "got"], for: { value: "v", in: [1, 2, 3], steps: inner } },
    })),
  ),
}));

/** Gives every step a name and every loop variable a name of its own; takes returns out of parallel steps. */
function named(list: readonly Step[], counter: { next: number }, inParallel: boolean): Step[] {
  return list.map((step) => {
    if ("use" in step) return step;
    const parallel = inParallel || "parallel" in step;
    return { [`s${counter.next++}`]: renamed(step, counter, parallel) };
  });
}

function renamed(step: Step, counter: { next: number }, inParallel: boolean): Step {
  const inner = (value: unknown): Step[] => named(value as Step[], counter, inParallel);
  if ("switch" in step && inParallel) return { assign: [{ y: 1 }] };
  if ("steps" in step) return { steps: inner(step["steps"]) };
  if ("try" in step) return { ...step, try: { steps: inner((step["try"] as Step)["steps"]) } };
  for (const key of ["for", "parallel"]) {
    if (!(key in step)) continue;
    const outer = step[key] as Step;
    const loop = (key === "for" ? outer : outer["for"]) as Step;
    const value = `v${counter.next++}`;
    const body = (loop["steps"] as Step[]).map((entry) =>
      "use" in entry ? { [`u${counter.next++}`]: { assign: [{ x: `\${x + ${value}}` }] } } : entry,
    );
    const steps = body.flatMap((entry) =>
      Object.keys(entry)[0]?.startsWith("u") === true ? [entry] : named([entry], counter, inParallel),
    );
    const made = { ...loop, value, steps };
    return key === "for" ? { for: made } : { parallel: { ...outer, for: made } };
  }
  return step;
}

function sourceOf(list: readonly Step[]): string {
  const init = { init: { assign: [{ x: 1 }, { y: 2 }, { log: "" }, { got: null }] } };
  const main = {
    steps: [init, ...named(list, { next: 0 }, false), { done: { return: ["${x}", "${y}", "${log}"] } }],
  };
  return JSON.stringify(
    { main, double_it: { params: ["n"], steps: [{ r: { return: "${n * 2}" } }] } },
    null,
    1,
  );
}

/** An answer that depends on the request alone. */
async function answer(request: EffectRequest): Promise<EffectResult> {
  if (request.kind === "log") return { kind: "done" };
  const draw = createHash("sha256").update(request.id).digest()[0] as number;
  return draw < 90 ? textResponse(503, "busy") : jsonResponse(draw < 110 ? 404 : 200, { k: draw });
}

async function runOver(
  program: Program,
  journal: readonly JournalEntry[],
): Promise<{ outcome: Outcome; entries: JournalEntry[]; machine: Machine }> {
  const store = createMemoryJournal(structuredClone([...journal]));
  const startMs = Math.max(0, ...journal.map((entry) => ("atMs" in entry ? entry.atMs : 0)));
  const execution = launch(program, {
    seed: "random",
    journal: store,
    clock: createVirtualClock({ startMs }),
    perform: answer,
  });
  const outcome = await execution.finished;
  return { outcome, entries: store.entries, machine: execution.machine() as Machine };
}

test("random programs survive a crash at any entry of their journal", async () => {
  const seen = new Set<string>();
  let crashes = 0;
  await fc.assert(
    fc.asyncProperty(steps, fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), async (list, cuts) => {
      const compiled = compile(sourceOf(list), { file: "random.json" });
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems, null, 1));
      const whole = await runOver(compiled.program, []);
      seen.add(whole.outcome.state);
      for (const entry of whole.entries) if (entry.type === "EffectRequested") seen.add(entry.request.kind);
      if (whole.outcome.state === "SUCCEEDED") expect(whole.machine.bytes).toBe(0);
      for (const cut of cuts) {
        const length = 1 + (cut % whole.entries.length);
        const again = await runOver(compiled.program, whole.entries.slice(0, length));
        expect(again.outcome).toEqual(whole.outcome);
        expect(again.entries).toEqual(whole.entries);
        crashes++;
      }
    }),
    { numRuns: 250, seed: 11 },
  );
  expect(crashes).toBe(750);
  expect([...seen].toSorted()).toEqual(["FAILED", "SUCCEEDED", "http", "log", "now", "sleep"]);
});

test("random programs cancel at any time", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const compiled = compile(sourceOf(list), { file: "random.json" });
      if (!compiled.ok) throw new Error("the program compiles");
      const stop = new AbortController();
      const perform = async (request: EffectRequest): Promise<EffectResult> => {
        stop.abort();
        return answer(request);
      };
      const outcome = await execute(compiled.program, {
        seed: "random",
        journal: createMemoryJournal(),
        clock: createVirtualClock(),
        perform,
        signal: stop.signal,
      });
      // Whoever asks the driver for anything is cancelled there, and never gets to its end.
      if (stop.signal.aborted) expect(outcome).toEqual({ state: "CANCELLED" });
      else expect(outcome.state).not.toBe("CANCELLED");
    }),
    { numRuns: 100, seed: 12 },
  );
});
