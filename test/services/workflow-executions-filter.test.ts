// Filters and orders of the list of workflow executions.
import { describe, expect, test } from "vitest";
import type { WorkflowExecution } from "../../shared/ports/workflow-executions.ts";
import { FILTER_CHARACTERS_MAX, parseFilter } from "../../services/api/workflow-executions/filter.ts";
import { orderOf } from "../../services/api/workflow-executions/order.ts";

const execution: WorkflowExecution = {
  id: "canary-abc",
  workflow: "canary",
  state: "FAILED",
  revision: "000001-012",
  createdAt: "2026-01-01T00:00:00.000Z",
  startedAt: "2026-01-01T00:00:10.000Z",
  endedAt: "2026-01-01T00:01:10.500Z",
  labels: { team: "ranking" },
  callLogLevel: "",
  argument: "null",
};

const asks = (filter: string): boolean => parseFilter(filter)({ execution, steps: ["look"] });

describe("a filter", () => {
  test.each([
    ["", true],
    ['state="FAILED"', true],
    ["state = failed", true],
    ["state!=FAILED", false],
    ['executionID="canary-abc"', true],
    ['execution_id:"canary-*"', true],
    ["executionId=*abc", true],
    ["executionID=*nar*", true],
    ["executionID=other", false],
    ['startTime>"2026-01-01T00:00:09Z"', true],
    ['startTime<="2026-01-01T00:00:09Z"', false],
    ['createTime>="2026-01-01" AND endTime<"2026-01-02"', true],
    ["duration>60s", true],
    ['duration<"60"', false],
    ["workflowRevisionID=000001-012", true],
    ["stepName=look", true],
    ["stepName=rest", false],
    ['label="team:ranking"', true],
    ["label:team", true],
    ["labels.team=ranking", true],
    ["labels.team!=ranking", false],
    ["labels.owner=x", false],
    ["NOT state=FAILED", false],
    ["-state=ACTIVE", true],
    ["state=ACTIVE OR state=FAILED", true],
    ["state=FAILED AND (stepName=rest OR stepName=look)", true],
    ["state=FAILED stepName=rest", false],
    // OR binds tighter than AND, as AIP-160 has it.
    ["stepName=rest AND state=ACTIVE OR state=FAILED", false],
  ])("%s answers %s", (filter, answer) => {
    expect(asks(filter)).toBe(answer);
  });

  test.each([
    ["color=red", /color/],
    ["state", /ends too early/],
    ["state FAILED x", /no operator/],
    ["(state=FAILED", /ends too early/],
    ["state=FAILED)", /parenthesis too many/],
    ['state="FAILED', /cannot be read/],
    ["state<FAILED", /compare text/],
    ["startTime>soon", /cannot be read/],
    ["(".repeat(100), /nested/],
    ["x".repeat(FILTER_CHARACTERS_MAX + 1), /longer/],
  ])("%j is refused with a reason and an example", (filter, why) => {
    expect(() => parseFilter(filter)).toThrow(why);
    expect(() => parseFilter(filter)).toThrow(/write for instance/);
  });
});

test("an order sorts by its fields one after another, and refuses what it does not know", () => {
  const other = { ...execution, id: "canary-zzz", startedAt: "2026-01-01T00:00:20.000Z" };
  const sort = (order: string) => [execution, other].toSorted(orderOf(order)).map(({ id }) => id.slice(-3));
  expect(sort("")).toEqual(["zzz", "abc"]);
  expect(sort("startTime")).toEqual(["abc", "zzz"]);
  expect(sort("state, executionID desc")).toEqual(["zzz", "abc"]);
  expect(sort("duration")).toEqual(["zzz", "abc"]);
  expect(() => orderOf("color")).toThrow(/orderBy "color" is not known/);
});
