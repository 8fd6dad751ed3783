// A workflow that uses every kind of effect, for tests of crashes and interleavings.
import { jsonResponse, textResponse, type ScriptLine } from "../../../../workflows/engine/engine.ts";

/** Loops, retries with sleeps, parallel calls, a connector that polls, the clock, ids, logs and a caught error. */
export const BUSY_WORKFLOW = `
main:
  params: [args]
  steps:
    - init:
        assign:
          - seen: []
          - total: 0
          - id: \${uuid.generate()}
          - began: \${sys.now()}
    - each:
        for:
          value: n
          in: \${args.items}
          steps:
            - fetch:
                try:
                  call: http.get
                  args:
                    url: \${args.api + "/item/" + n}
                    auth: {type: OIDC}
                  result: got
                retry: \${http.default_retry}
                except:
                  as: e
                  steps:
                    - note:
                        call: sys.log
                        args: {severity: WARNING, text: "\${e.message}"}
                    - skip:
                        next: continue
            - add:
                assign:
                  - total: \${total + got.body.value}
    - side_by_side:
        parallel:
          shared: [seen]
          for:
            value: v
            range: [1, 4]
            steps:
              - nap:
                  call: sys.sleep
                  args: {seconds: "\${5 - v}"}
              - post:
                  call: http.post
                  args:
                    url: \${args.api + "/seen"}
                    body: {v: "\${v}"}
              - keep:
                  assign:
                    - seen: \${list.concat(seen, v)}
    - build:
        call: googleapis.cloudbuild.v1.projects.builds.create
        args:
          projectId: p
          body: {}
        result: built
    - done:
        return:
          total: \${total}
          seen: \${seen}
          id: \${id}
          seconds: \${sys.now() - began}
          status: \${built.status}
`;

/** The argument that the busy workflow expects. */
export const BUSY_ARGUMENT = { api: "https://api.test", items: [1, 2, 3] };

/** Answers by request alone, so that a repeated request gets the same answer: item 2 fails, the build needs polls. */
export function busyScript(): ScriptLine[] {
  const attempts = new Map<string, number>();
  return [
    { when: "GET https://api.test/item/2", answers: [textResponse(404, "none")] },
    {
      when: "GET https://api.test/item/",
      answers: [
        (request) => {
          const attempt = (attempts.get(request.id) ?? 0) + 1;
          attempts.set(request.id, attempt);
          const number = request.kind === "http" ? Number(request.url.at(-1)) : 0;
          // The first request for item 3 is refused; its retry carries another id and succeeds.
          return number === 3 && request.id.endsWith("/5")
            ? textResponse(503, "")
            : jsonResponse(200, { value: number * 10 });
        },
      ],
    },
    { when: "POST https://api.test/seen", answers: [jsonResponse(200, {})] },
    { when: "POST https://cloudbuild", answers: [jsonResponse(200, { name: "operations/b" })] },
    {
      when: "GET https://cloudbuild",
      answers: [
        (request) =>
          Number(request.id.split("/")[1]) % 3 === 0
            ? jsonResponse(200, { name: "operations/b" })
            : jsonResponse(200, { done: true, response: { status: "SUCCESS" } }),
      ],
    },
  ];
}
