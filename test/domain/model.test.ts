import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Draft } from "../../shared/domain/fact.ts";
import { model, type ModelFact, type ModelInput } from "../../shared/domain/model.ts";
import { nextVersionId } from "../../shared/domain/version-ids.ts";
import { given } from "../support/given.ts";

const MODEL = "teams/default/models/ranker";
const DIGEST = (digit: string) => `sha256:${digit.repeat(64)}`;
const artifact = (digit: string) => ({ uri: `file:///models/${digit}`, digest: DIGEST(digit) });
const create = (digit: string, more: object = {}): ModelInput => ({
  kind: "create",
  model: MODEL,
  artifact: artifact(digit),
  datasets: [],
  metrics: {},
  ...more,
});
const created = (version: string, digit: string, more: object = {}): Draft<"model-version.created"> => ({
  type: "model-version.created",
  data: {
    modelVersion: `${MODEL}/versions/${version}`,
    artifact: artifact(digit),
    datasets: [],
    metrics: {},
    ...more,
  },
});
const modelVersion = `${MODEL}/versions/1`;
const rejected: Draft<ModelFact> = {
  type: "model-version.rejected",
  data: { modelVersion, reason: "DIGEST_MISMATCH", message: "other bytes" },
};
const quarantined: Draft<ModelFact> = {
  type: "model-version.quarantined",
  data: { modelVersion, reason: "poisoned" },
};

describe("a model", () => {
  it("numbers versions that come without an id from the largest integer on", () => {
    given(model).when(create("a")).then(created("1", "a"));
    given(model, created("7", "a"), created("beta", "b")).when(create("c")).then(created("8", "c"));
  });

  it("keeps what the registration says about its origin", () => {
    const origin = {
      trainingRun: "train-2",
      datasets: ["teams/default/datasets/products/versions/1"],
      commit: "c0ffee",
      metrics: { auc: 0.9 },
      endpoint: "teams/default/endpoints/ranker",
    };
    given(model)
      .when(create("a", { ...origin, versionId: "2" }))
      .then(created("2", "a", origin));
  });

  it("answers the same id and content with the version that exists, whatever became of it", () => {
    given(model, created("1", "a"))
      .when(create("a", { versionId: "1" }))
      .thenIgnored(/created/);
    given(model, created("1", "a"), rejected)
      .when(create("a", { versionId: "1" }))
      .thenIgnored(/rejected/);
  });

  it("refuses other content under a known id", () => {
    given(model, created("1", "a"))
      .when(create("b", { versionId: "1" }))
      .thenRefused({ code: "ALREADY_EXISTS", reason: "VERSION_HAS_OTHER_CONTENT", field: "data.version" });
  });

  it("marks the same content under another id with the first version that had it", () => {
    given(model, created("1", "a"), created("2", "a", { sameContentAs: `${MODEL}/versions/1` }))
      .when(create("a"))
      .then(created("3", "a", { sameContentAs: `${MODEL}/versions/1` }));
  });

  it("verifies a created version once, and carries the endpoint on", () => {
    const endpoint = "teams/default/endpoints/ranker";
    given(model, created("1", "a", { endpoint }))
      .when({ kind: "verified", modelVersion })
      .then({ type: "model-version.verified", data: { modelVersion, artifact: artifact("a"), endpoint } });
    given(model, created("1", "a"), {
      type: "model-version.verified",
      data: { modelVersion, artifact: artifact("a") },
    })
      .when({ kind: "verified", modelVersion })
      .thenIgnored(/verified already/);
    given(model, created("1", "a"), {
      type: "model-version.verified",
      data: { modelVersion, artifact: artifact("a"), endpoint },
    })
      .when({ kind: "unfit", modelVersion, reason: "UNFIT_TO_SERVE", message: "12 % errors" })
      .then({
        type: "model-version.rejected",
        data: { modelVersion, reason: "UNFIT_TO_SERVE", message: "12 % errors" },
      });
  });

  it("never verifies a rejected or quarantined version", () => {
    given(model, created("1", "a"), rejected).when({ kind: "verified", modelVersion }).thenIgnored(/final/);
    given(model, created("1", "a"), quarantined)
      .when({ kind: "verified", modelVersion })
      .thenIgnored(/final/);
  });

  it("rejects quarantined content that comes back under another id", () => {
    given(model, created("1", "a"), quarantined, created("2", "a", { sameContentAs: modelVersion }))
      .when({ kind: "verified", modelVersion: `${MODEL}/versions/2` })
      .then({
        type: "model-version.rejected",
        data: {
          modelVersion: `${MODEL}/versions/2`,
          reason: "CONTENT_QUARANTINED",
          message: `Its content is the same as that of ${modelVersion}, which is quarantined. Register content that is not under suspicion.`,
        },
      });
  });

  it("names the field that is wrong", () => {
    const refusals: readonly (readonly [object, string])[] = [
      [{ artifact: { uri: "/tmp/x", digest: DIGEST("a") } }, "data.artifact.uri"],
      [{ artifact: { uri: "file:///x", digest: "sha256:abc" } }, "data.artifact.digest"],
      [{ artifact: { uri: "file:///x", digest: DIGEST("A") } }, "data.artifact.digest"],
      [{ datasets: ["products"] }, "data.datasets[0]"],
      [{ datasets: ["teams/default/datasets/products"] }, "data.datasets[0]"],
      [{ commit: "" }, "data.commit"],
      [{ trainingRun: "a\u202eb" }, "data.trainingRun"],
      [{ trainingRun: "a\ud800" }, "data.trainingRun"],
      [{ endpoint: "ranker" }, "data.endpoint"],
      [{ model: "ranker" }, "data.model"],
      [{ versionId: "No Good" }, "version"],
    ];
    for (const [more, field] of refusals) {
      given(model).when(create("a", more)).thenRefused({ code: "INVALID_ARGUMENT", field });
    }
  });

  it("does not know a version that was never registered", () => {
    given(model).when({ kind: "verified", modelVersion }).thenRefused({ code: "NOT_FOUND" });
  });

  it("never gives two contents one id, whatever is registered", () => {
    const inputs = fc.array(
      fc.record({ digit: fc.constantFrom("a", "b", "c"), id: fc.option(fc.constantFrom("1", "2", "x")) }),
    );
    fc.assert(
      fc.property(inputs, (steps) => {
        const past: Draft<ModelFact>[] = [];
        const contents = new Map<string, string>();
        for (const { digit, id } of steps) {
          try {
            const decision = given(model, ...past).when(create(digit, id === null ? {} : { versionId: id }));
            const [draft] = decision.facts();
            if (draft?.type !== "model-version.created") throw new Error("not created");
            expect(contents.has(draft.data.modelVersion)).toBe(false);
            contents.set(draft.data.modelVersion, draft.data.artifact.digest);
            past.push(draft);
          } catch (error) {
            expect(String(error)).toMatch(/ignored|exists with content/);
          }
        }
      }),
    );
  });
});

describe("version ids", () => {
  it("count plain integers of up to nine digits and nothing else", () => {
    expect(nextVersionId([])).toBe("1");
    expect(nextVersionId(["3", "10", "9x", "007", "20260102030405"])).toBe("11");
  });
});
