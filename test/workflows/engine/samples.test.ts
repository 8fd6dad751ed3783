// Programs in the style of the official samples, one per feature that such programs use.
import { describe, expect, test } from "vitest";
import { jsonResponse, textResponse, type ScriptLine } from "../../../workflows/engine/engine.ts";
import { problemsOf, resultText, run } from "./support/run-workflow.ts";

const ENV = {
  GOOGLE_CLOUD_PROJECT_ID: "demo",
  GOOGLE_CLOUD_LOCATION: "europe-west1",
  GOOGLE_CLOUD_PROJECT_NUMBER: "12",
};

interface Sample {
  readonly source: string;
  readonly expected: string;
  readonly argument?: unknown;
  readonly script?: readonly ScriptLine[];
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  "asks one service and uses the answer in a request to another": {
    source: `
- getCurrentTime:
    call: http.get
    args:
      url: https://clock.example.com/now
    result: currentTime
- readArticles:
    call: http.get
    args:
      url: https://encyclopedia.example.com/api
      query:
        action: opensearch
        search: \${currentTime.body.dayOfTheWeek}
    result: articles
- returnResult:
    return: \${articles.body[1]}
`,
    script: [
      { when: "GET https://clock.example.com", answers: [jsonResponse(200, { dayOfTheWeek: "Monday" })] },
      {
        when: "GET https://encyclopedia.example.com/api?action=opensearch&search=Monday",
        answers: [jsonResponse(200, ["Monday", ["Monday", "Monday club"]])],
      },
    ],
    expected: '["Monday","Monday club"]',
  },
  "branches on its input with default values": {
    source: `
main:
  params: [input]
  steps:
    - checkSearchTerm:
        switch:
          - condition: \${"term" in input}
            assign:
              - term: \${input.term}
            next: answer
    - fallback:
        assign:
          - term: none
    - answer:
        return: \${"searched for " + term}
`,
    argument: { term: "cats" },
    expected: '"searched for cats"',
  },
  "walks over the pages of a list until there is no token": {
    source: `
main:
  steps:
    - init:
        assign:
          - token: ""
          - names: []
    - page:
        call: http.get
        args:
          url: https://api.example.com/things
          query: {pageToken: "\${token}"}
          auth: {type: OAuth2}
        result: got
    - collect:
        for:
          value: thing
          index: i
          in: \${got.body.things}
          steps:
            - add:
                assign:
                  - names: \${list.concat(names, string(i) + thing.name)}
    - more:
        switch:
          - condition: \${"nextPageToken" in got.body}
            steps:
              - remember:
                  assign:
                    - token: \${got.body.nextPageToken}
              - again:
                  next: page
    - done:
        return: \${names}
`,
    script: [
      {
        when: (request) => request.kind === "http" && request.url.endsWith("pageToken="),
        answers: [jsonResponse(200, { things: [{ name: "a" }, { name: "b" }], nextPageToken: "p2" })],
      },
      {
        when: "GET https://api.example.com/things?pageToken=p2",
        answers: [jsonResponse(200, { things: [{ name: "c" }] })],
      },
    ],
    expected: '["0a","1b","0c"]',
  },
  "polls a job with a subworkflow, a sleep and a deadline": {
    source: `
main:
  params: [args]
  steps:
    - start:
        call: http.post
        args:
          url: \${args.api + "/jobs"}
          body: {kind: train}
          auth: {type: OIDC, audience: "\${args.api}"}
        result: job
    - wait:
        call: await_job
        args: {api: "\${args.api}", id: "\${job.body.id}"}
        result: state
    - finish:
        return: \${state}
await_job:
  params: [api, id, interval: 30, attempts: 10]
  steps:
    - init:
        assign: [{attempt: 0}]
    - look:
        call: http.get
        args: {url: "\${api + \\"/jobs/\\" + id}"}
        result: seen
    - decide:
        switch:
          - condition: \${seen.body.state in ["SUCCEEDED", "FAILED"]}
            return: \${seen.body.state + " after " + string(attempt)}
          - condition: \${attempt >= attempts}
            raise: {code: 504, message: "the job did not end"}
    - nap:
        call: sys.sleep
        args: {seconds: "\${interval}"}
    - next_attempt:
        assign: [{attempt: "\${attempt + 1}"}]
        next: look
`,
    argument: { api: "https://api.test" },
    script: [
      { when: "POST", answers: [jsonResponse(201, { id: "j1" })] },
      {
        when: "GET https://api.test/jobs/j1",
        answers: [
          jsonResponse(200, { state: "RUNNING" }),
          jsonResponse(200, { state: "RUNNING" }),
          jsonResponse(200, { state: "SUCCEEDED" }),
        ],
      },
    ],
    expected: '"SUCCEEDED after 2"',
  },
  "handles connection, status and unknown errors apart": {
    source: `
main:
  params: [args]
  steps:
    - read_item:
        try:
          call: http.get
          args: {url: "https://host.example.com/api"}
          result: api_response
        except:
          as: e
          steps:
            - known_errors:
                switch:
                  - condition: \${not("HttpError" in e.tags)}
                    return: Connection problem.
                  - condition: \${e.code == 404}
                    return: Sorry, URL wasn't found.
                  - condition: \${e.code == 403}
                    return: Authentication error.
            - unhandled_exception:
                raise: \${e}
    - url_found:
        return: \${api_response.body}
`,
    script: [{ when: "GET", answers: [textResponse(403, "")] }],
    expected: '"Authentication error."',
  },
  "translates in parallel and gathers the results": {
    source: `
main:
  params: [input]
  steps:
    - init:
        assign:
          - results: {}
          - failures: 0
    - translate:
        parallel:
          shared: [results, failures]
          concurrency_limit: 2
          for:
            value: language
            in: \${input.languages}
            steps:
              - one:
                  try:
                    steps:
                      - ask:
                          call: http.post
                          args: {url: "https://translate.test/", body: {target: "\${language}"}}
                          result: answer
                      - keep:
                          assign:
                            - results[language]: \${answer.body.text}
                  except:
                    as: e
                    steps:
                      - count:
                          assign: [{failures: "\${failures + 1}"}]
    - done:
        return: {count: "\${len(results)}", failures: "\${failures}", de: "\${results.de}"}
`,
    argument: { languages: ["de", "fr", "xx"] },
    script: [
      {
        when: (request) => request.kind === "http" && request.body?.data.includes("xx") === true,
        answers: [textResponse(400, "")],
      },
      {
        when: "POST",
        answers: [
          (request) => jsonResponse(200, { text: request.kind === "http" ? request.body?.data : "" }),
        ],
      },
    ],
    expected: '{"count":2,"failures":1,"de":"{\\"target\\":\\"de\\"}"}',
  },
  "decodes the message of an event": {
    source: `
main:
  params: [event]
  steps:
    - decode:
        assign:
          - base64: \${base64.decode(event.data.message.data)}
          - message: \${json.decode(text.decode(base64))}
          - project: \${sys.get_env("GOOGLE_CLOUD_PROJECT_ID")}
    - done:
        return: \${project + "/" + message.name + "/" + text.to_upper(default(map.get(message, "size"), "small"))}
`,
    argument: { data: { message: { data: Buffer.from('{"name":"n"}').toString("base64") } } },
    expected: '"demo/n/SMALL"',
  },
  "rolls back what it began when a step fails": {
    source: `
- init:
    assign:
      - undo: []
- reserve:
    try:
      steps:
        - hotel:
            call: http.post
            args: {url: "https://hotel.test/"}
        - note_hotel:
            assign: [{undo: "\${list.prepend(undo, \\"hotel\\")}"}]
        - flight:
            call: http.post
            args: {url: "https://flight.test/"}
    retry:
      predicate: \${http.default_retry_predicate_non_idempotent}
      max_retries: 1
      backoff: {initial_delay: 1, max_delay: 2, multiplier: 2}
    except:
      as: e
      steps:
        - compensate:
            for:
              value: what
              in: \${undo}
              steps:
                - cancel:
                    call: http.delete
                    args: {url: "\${\\"https://\\" + what + \\".test/\\"}"}
        - report:
            return: {code: "\${e.code}", undone: "\${len(undo)}"}
`,
    script: [
      { when: "POST https://hotel.test/", answers: [jsonResponse(200, {})] },
      { when: "POST https://flight.test/", answers: [textResponse(503, ""), textResponse(500, "")] },
      { when: "DELETE https://hotel.test/", answers: [jsonResponse(200, {})] },
    ],
    expected: '{"code":500,"undone":2}',
  },
};

describe("samples", () => {
  test.each(Object.entries(SAMPLES))("%s", async (_, { source, expected, argument, script = [] }) => {
    expect(problemsOf(source)).toEqual([]);
    expect(await resultText(source, { argument, env: ENV, script })).toBe(expected);
  });

  test("the deadline of a polled job ends it with the raised map", async () => {
    const sample = SAMPLES["polls a job with a subworkflow, a sleep and a deadline"] as Sample;
    const script = [
      { when: "POST", answers: [jsonResponse(201, { id: "j1" })] },
      { when: "GET", answers: [jsonResponse(200, { state: "RUNNING" })] },
    ];
    const { outcome, seconds } = await run(sample.source, { argument: sample.argument, script });
    expect(outcome).toMatchObject({
      state: "FAILED",
      error: { payload: '{"code":504,"message":"the job did not end"}' },
    });
    expect(seconds).toBe(300);
  });
});
