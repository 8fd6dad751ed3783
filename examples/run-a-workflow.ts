// Runs a workflow inside a program: one call is answered here, and the minute between two attempts takes no time.
// node scripts/launch.mjs examples/run-a-workflow.ts
// In a project that has installed the package, the import is from "signalbox/workflows".
import { compile, formatProblem, jsonResponse, run, textResponse } from "../workflows/library.ts";

const SOURCE = `
main:
  params: [order]
  steps:
    - ship:
        try:
          call: http.post
          args:
            url: https://warehouse.test/shipments
            body:
              item: \${order.item}
          result: shipment
        retry:
          predicate: \${http.default_retry_predicate}
          max_retries: 3
          backoff: {initial_delay: 60, max_delay: 60, multiplier: 1}
    - tell:
        return: \${"Shipment " + shipment.body.id + " is on its way."}
`;

const compiled = compile(SOURCE, { file: "ship.yaml" });
if (!compiled.ok) throw new Error(compiled.problems.map(formatProblem).join("\n"));

let calls = 0;
const outcome = await run(compiled.program, {
  argument: { item: "lamp" },
  http: ({ method, url, step }) => {
    calls += 1;
    console.log(`${step}: ${method} ${url}`);
    return calls === 1 ? textResponse(503, "closed") : jsonResponse(200, { id: 7 });
  },
});
console.log(outcome.state === "SUCCEEDED" ? outcome.result : outcome);
