import { describe, expect, it } from "vitest";
import { dataset, type DatasetInput, versionOfRun } from "../../shared/domain/dataset.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import { given } from "../support/given.ts";

const DATASET = "teams/default/datasets/products";
const RUN = "teams/default/runs/catalogue";
const DIGEST = (digit: string) => `tree-sha256:${digit.repeat(64)}`;
const create = (digit: string, more: object = {}): DatasetInput => ({
  kind: "create",
  dataset: DATASET,
  uri: "file:///out",
  digest: DIGEST(digit),
  inputs: [],
  ...more,
});
const created = (version: string, digit: string, more: object = {}): Draft<"dataset-version.created"> => ({
  type: "dataset-version.created",
  data: {
    datasetVersion: `${DATASET}/versions/${version}`,
    uri: "file:///out",
    digest: DIGEST(digit),
    inputs: [],
    ...more,
  },
});

describe("a dataset", () => {
  it("numbers its versions and keeps where they come from", () => {
    const origin = { run: RUN, inputs: [`artifacts/${DIGEST("c")}`], commit: "c0ffee", rows: 12 };
    given(dataset, created("1", "a"))
      .when(create("b", origin))
      .then(created("2", "b", origin));
  });

  it("has one version a run, however often the run says so", () => {
    const past = given(dataset, created("1", "a", { run: RUN }));
    past.when(create("a", { run: RUN })).thenIgnored(/already/);
    past.when(create("b", { run: RUN })).thenRefused({ code: "ALREADY_EXISTS" });
    expect(versionOfRun(past.state(), RUN)).toBe(`${DATASET}/versions/1`);
  });

  it("answers the same id and content with the version that exists, and refuses other content", () => {
    given(dataset, created("1", "a"))
      .when(create("a", { versionId: "1" }))
      .thenIgnored();
    given(dataset, created("1", "a"))
      .when(create("b", { versionId: "1" }))
      .thenRefused({ code: "ALREADY_EXISTS", reason: "VERSION_HAS_OTHER_CONTENT" });
  });

  it("marks the same content under another id", () => {
    given(dataset, created("1", "a"))
      .when(create("a"))
      .then(created("2", "a", { sameContentAs: `${DATASET}/versions/1` }));
  });

  it("steps over an id that the run names as its input before anybody has made it", () => {
    const origin = { run: RUN, inputs: [`${DATASET}/versions/1`] };
    given(dataset)
      .when(create("a", origin))
      .then(created("2", "a", origin));
  });

  it("is not made from itself", () => {
    given(dataset)
      .when(create("a", { versionId: "1", inputs: [`${DATASET}/versions/1`] }))
      .thenRefused({ code: "INVALID_ARGUMENT", field: "inputs" });
  });

  it("names the field that is wrong", () => {
    given(dataset)
      .when(create("a", { digest: "md5:x" }))
      .thenRefused({ field: "digest" });
    given(dataset)
      .when(create("a", { uri: "out" }))
      .thenRefused({ field: "uri" });
    given(dataset)
      .when(create("a", { run: "catalogue" }))
      .thenRefused({ field: "run" });
    given(dataset)
      .when(create("a", { dataset: "products" }))
      .thenRefused({ field: "dataset" });
  });
});
