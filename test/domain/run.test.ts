import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Draft, FactOf } from "../../shared/domain/fact.ts";
import {
  CLOCKS_APART_MS_MAX,
  deadlineOf,
  isEnded,
  run,
  RUN_STOP_TIMER,
  type RunFact,
  type RunInput,
  type RunRequest,
  SUBMISSION_LATE_MS_MAX,
  submissionIdOf,
} from "../../shared/domain/run.ts";
import { FACT_TIME, factFrom } from "../support/facts.ts";
import { given } from "../support/given.ts";

const RUN = "teams/default/runs/catalogue";
const request: RunRequest = {
  entrypoint: "python process.py",
  runtimeEnvironment: { env_vars: { A: "1" } },
  inputs: [{ uri: "file:///raw.csv", digest: `sha256:${"a".repeat(64)}` }],
  outputUri: "file:///out/catalogue",
  dataset: "teams/default/datasets/products",
  timeLimitSeconds: 60,
};
const failure = { reason: "JOB_FAILED", message: "exit 1", nextStep: "look" };
const loss = { message: "gone", nextStep: "again" };
const result = { outputDigest: `tree-sha256:${"b".repeat(64)}`, outputUri: request.outputUri, durationMs: 5 };
const fact = <T extends RunFact>(draft: Draft<T>): FactOf<T> => factFrom(draft, { subject: RUN });
const past = {
  requested: fact({ type: "run.requested", data: request }),
  claimed: fact({ type: "run.claimed", data: { execution: "e1" } }),
  submitted: fact({ type: "run.submitted", data: { submissionId: "s", address: "http://ray" } }),
  finished: fact({ type: "run.finished", data: result }),
  failed: fact({ type: "run.failed", data: failure }),
  cancelled: fact({ type: "run.cancelled", data: { reason: "enough" } }),
  timedOut: fact({ type: "run.timed-out", data: { timeLimitSeconds: 60 } }),
  lost: fact({ type: "run.lost", data: loss }),
};
const { requested, claimed, submitted } = past;
const ends = [past.finished, past.failed, past.cancelled, past.timedOut, past.lost];
const owner = { run: RUN, execution: "e1" };
const ask: RunInput = { kind: "request", run: RUN, request, deadline: deadlineOf(request, FACT_TIME) };
const claim: RunInput = { kind: "claim", ...owner };
const submit: RunInput = { kind: "submit", ...owner, submissionId: "s", address: "http://ray" };
const finish: RunInput = { kind: "finish", ...owner, result };
const fail: RunInput = { kind: "fail", ...owner, failure };
const lose: RunInput = { kind: "lose", ...owner, loss };
const cancel: RunInput = { kind: "cancel", run: RUN, reason: "enough" };
const timeOut: RunInput = { kind: "time-out", run: RUN };

describe("a run", () => {
  it("sets the timer of its time limit when it is requested", () => {
    given(run).when(ask).then({ type: "run.requested", data: request });
    given(run).when(ask).thenDue({ name: "deadline", time: "2026-01-02T03:05:05.678Z" });
  });

  it("is requested once: the same again is answered, other content under its name is refused", () => {
    const shuffled = Object.fromEntries(Object.entries(request).toReversed()) as RunRequest;
    given(run, requested, claimed)
      .when({ ...ask, request: shuffled })
      .thenIgnored(/claimed/);
    given(run, requested)
      .when({ ...ask, request: { ...request, entrypoint: "rm -rf out" } })
      .thenRefused({ code: "ALREADY_EXISTS", reason: "RUN_HAS_OTHER_CONTENT" });
  });

  it("goes from request to result in the hands of one execution", () => {
    given(run, requested)
      .when(claim)
      .then({ type: "run.claimed", data: { execution: "e1" } });
    given(run, requested, claimed).when(submit).then({ type: "run.submitted", data: submitted.data });
    given(run, requested, claimed, submitted).when(finish).then({ type: "run.finished", data: result });
    given(run, requested, claimed).when(claim).thenIgnored();
    given(run, requested, claimed, submitted).when(submit).thenIgnored();
  });

  it("tells a second execution whose it is, also after the end", () => {
    const other = {
      code: "ABORTED",
      reason: "DUPLICATE_EXECUTION",
      metadata: { run: RUN, duplicateOf: "e1" },
    };
    for (const input of [claim, submit, finish, fail, lose]) {
      given(run, requested, claimed, submitted)
        .when({ ...input, execution: "e2" })
        .thenRefused(other);
      given(run, requested, claimed, submitted, past.failed)
        .when({ ...input, execution: "e2" })
        .thenRefused(other);
    }
  });

  it("tells failure, cancellation, time-out and loss apart", () => {
    const running = given(run, requested, claimed, submitted);
    running.when(fail).then({ type: "run.failed", data: failure });
    running.when(lose).then({ type: "run.lost", data: loss });
    running.when(cancel).then({ type: "run.cancelled", data: { reason: "enough" } });
    running.when(timeOut).then({ type: "run.timed-out", data: { timeLimitSeconds: 60 } });
    given(run, requested)
      .when(cancel)
      .then({ type: "run.cancelled", data: { reason: "enough" } });
    given(run, requested)
      .when(timeOut)
      .then({ type: "run.timed-out", data: { timeLimitSeconds: 60 } });
  });

  it("stops its job once more when it was ended before it: a submission may still be on its way", () => {
    const again = [SUBMISSION_LATE_MS_MAX, SUBMISSION_LATE_MS_MAX + CLOCKS_APART_MS_MAX].map((afterMs) => ({
      name: RUN_STOP_TIMER,
      afterMs,
    }));
    const running = given(run, requested, claimed);
    for (const input of [cancel, timeOut, lose]) running.when(input).thenDue(...again);
    running.when({ kind: "abandon", run: RUN, failure }).thenDue(...again);
    running.when(fail).thenDue();
  });

  it("refuses what its state does not allow, and says what comes first", () => {
    given(run, requested)
      .when(submit)
      .thenRefused({ code: "FAILED_PRECONDITION", reason: "RUN_NOT_CLAIMED" });
    given(run, requested, claimed)
      .when(finish)
      .thenRefused({ code: "FAILED_PRECONDITION", reason: "RUN_NOT_SUBMITTED" });
    given(run).when(claim).thenRefused({ code: "NOT_FOUND" });
    given(run, requested, past.cancelled).when(claim).thenRefused({ reason: "RUN_ENDED" });
  });

  it("ends once: nothing moves it afterwards", () => {
    for (const end of ends) {
      const ended = given(run, requested, claimed, submitted, end);
      for (const input of [claim, submit, finish, fail, lose]) {
        ended.when(input).thenRefused({ code: "FAILED_PRECONDITION", reason: "RUN_ENDED" });
      }
      ended.when(timeOut).thenIgnored();
      if (end === past.cancelled) ended.when(cancel).thenIgnored();
      else ended.when(cancel).thenRefused({ reason: "RUN_ENDED" });
    }
  });

  it("records exactly one end for any sequence of inputs, and never throws while folding", () => {
    const inputs = fc.array(fc.constantFrom(ask, claim, submit, finish, fail, lose, cancel, timeOut), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(inputs, (steps) => {
        let state = run.initial;
        let ended = 0;
        for (const input of steps) {
          try {
            const decision = run.decide(state, input);
            if (decision.kind === "ignored") continue;
            for (const draft of decision.facts) state = run.evolve(state, fact(draft));
            if (isEnded(state)) ended += 1;
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/FAILED_PRECONDITION|NOT_FOUND/) });
          }
        }
        expect(ended).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("names its job by run and time of request, so that installations on one head do not mix", () => {
    expect(submissionIdOf(RUN, FACT_TIME)).toBe(submissionIdOf(RUN, FACT_TIME));
    expect(submissionIdOf(RUN, FACT_TIME)).not.toBe(submissionIdOf(RUN, "2026-01-02T03:04:05.679Z"));
    expect(submissionIdOf(RUN, FACT_TIME)).toMatch(/^catalogue-[0-9a-f]{12}$/);
  });

  it("names the field that is wrong", () => {
    const refusals: readonly (readonly [Partial<RunRequest>, string])[] = [
      [{ entrypoint: "  " }, "entrypoint"],
      [{ inputs: [{}] }, "inputs[0]"],
      [{ inputs: [{ uri: "file:///x" }] }, "inputs[0]"],
      [{ inputs: [{ datasetVersion: "products" }] }, "inputs[0].datasetVersion"],
      [{ outputUri: "/out" }, "outputUri"],
      [{ dataset: "products" }, "dataset"],
      [{ commit: "a b" }, "commit"],
      [{ timeLimitSeconds: 0 }, "timeLimitSeconds"],
      [{ timeLimitSeconds: 10_000_000 }, "timeLimitSeconds"],
    ];
    for (const [more, field] of refusals) {
      given(run)
        .when({ ...ask, request: { ...request, ...more } })
        .thenRefused({ code: "INVALID_ARGUMENT", field });
    }
  });
});
