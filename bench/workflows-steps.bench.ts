// Billed steps per second of a tight loop on one core, without journal and effects.
// node scripts/launch.mjs bench/workflows-steps.bench.ts
import { advance, compile, start, stepCount } from "../workflows/engine/engine.ts";
import { bestOf, grouped, tell } from "./best-of.ts";

const RUNS = 15;
const WARMUPS = 5;
/** An execution may take 100,000 steps; each turn of the loop takes two or three. */
const ITERATIONS = 30_000;

const LOOPS: Readonly<Record<string, string>> = {
  "assign in a for": `
- begin:
    assign:
      - sum: 0
- loop:
    for:
      value: i
      range: [1, ${ITERATIONS}]
      steps:
        - add:
            assign:
              - sum: \${sum + i}
- end_of_it:
    return: \${sum}
`,
  "assign and switch with a jump": `
- begin:
    assign:
      - i: 0
- add:
    assign:
      - i: \${i + 1}
- again:
    switch:
      - condition: \${i < ${ITERATIONS}}
        next: add
- end_of_it:
    return: \${i}
`,
  "a call of a subworkflow in a for": `
main:
  steps:
    - begin:
        assign:
          - sum: 0
    - loop:
        for:
          value: i
          range: [1, ${ITERATIONS / 2}]
          steps:
            - add:
                call: plus
                args:
                  one: \${sum}
                  other: \${i}
                result: sum
    - end_of_it:
        return: \${sum}
plus:
  params: [one, other]
  steps:
    - give:
        return: \${one + other}
`,
};

const DOCUMENT = { list: Array.from({ length: 40 }, (_, index) => ({ index, name: `item ${index}` })) };
const ROUND_TRIPS = 1_000;
const yardstickMs = bestOf(RUNS, WARMUPS, () => {
  for (let trip = 0; trip < ROUND_TRIPS; trip++) JSON.parse(JSON.stringify(DOCUMENT));
});
const roundTrips = (ROUND_TRIPS / yardstickMs) * 1_000;
tell("yardstick: JSON round trips of 1.2 kB per second", grouped(roundTrips));

for (const [name, source] of Object.entries(LOOPS)) {
  const compiled = compile(source, { file: "loop.yaml" });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  let steps = 0;
  const ms = bestOf(RUNS, WARMUPS, () => {
    const { machine } = advance(start(compiled.program, { seed: "bench", nowMs: 0 }).machine);
    if (machine.outcome?.state !== "SUCCEEDED") throw new Error(JSON.stringify(machine.outcome));
    const { internal, external } = stepCount(machine);
    steps = internal + external;
  });
  const perSecond = (steps / ms) * 1_000;
  tell(`steps per second, ${name} (${grouped(steps)} steps)`, grouped(perSecond), "100,000");
  tell("  as a ratio to the yardstick", (perSecond / roundTrips).toFixed(1));
}
