// Parse and check of files with 500 steps, warm, in time of the processor, against parsing the same text as YAML alone.
// node scripts/launch.mjs bench/workflows-compile.bench.ts
import { parseDocument } from "yaml";
import { compile } from "../workflows/engine/engine.ts";
import { bestOf, cpuMs, tell } from "./best-of.ts";

const RUNS = 30;
const WARMUPS = 20;
const STEPS = 500;

/** Steps of five kinds by turns, as shipped workflows mix them. */
function stepOf(index: number): string {
  switch (index % 5) {
    case 0:
      return `    - step_${index}:\n        assign:\n          - a${index}: \${args.n + ${index}}\n          - b: \${"x" + string(a${index})}\n`;
    case 1:
      return `    - step_${index}:\n        call: http.post\n        args:\n          url: \${args.api + "/v1/things/${index}"}\n          body:\n            n: ${index}\n        result: answer\n`;
    case 2:
      return `    - step_${index}:\n        switch:\n          - condition: \${answer.code == 200 and not("x" in answer.body)}\n            next: step_${index + 2}\n`;
    case 3:
      return `    - step_${index}:\n        call: sys.log\n        args:\n          text: \${"at " + string(${index})}\n`;
    default:
      return `    - step_${index}:\n        try:\n          call: http.get\n          args:\n            url: \${args.api}\n          result: answer\n        retry: \${http.default_retry}\n`;
  }
}

const file = (step: (index: number) => string): string =>
  `main:\n  params: [args]\n  steps:\n${Array.from({ length: STEPS }, (_, index) => step(index)).join("")}    - over:\n        return: done\n`;

const FILES: Readonly<Record<string, string>> = {
  "of five kinds, as shipped workflows mix them": file(stepOf),
  "with one assignment each": file(
    (index) => `    - step_${index}:\n        assign:\n          - a: \${args.n + ${index}}\n`,
  ),
  "of five kinds, one of them with text over several lines": `${file(stepOf)}    - told:\n        return: |\n          done\n`,
};

for (const [name, source] of Object.entries(FILES)) {
  const parse = (): void => void parseDocument(source).toJS();
  const check = (): void => {
    const compiled = compile(source, { file: "long.yaml" });
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems.slice(0, 3)));
  };
  const yamlMs = bestOf(RUNS, WARMUPS, parse, cpuMs);
  const checkMs = bestOf(RUNS, WARMUPS, check, cpuMs);
  tell(`${STEPS} steps ${name}`, `${(source.length / 1_024).toFixed(0)} KB`);
  tell("  yardstick: the yaml package alone", `${yamlMs.toFixed(1)} ms`);
  tell("  parse and check, warm", `${checkMs.toFixed(1)} ms`, "at most 20 ms");
  tell("  as a ratio to the yardstick", (checkMs / yamlMs).toFixed(2));
}
