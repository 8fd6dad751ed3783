// Facts are kept for ever, so what was once written must stay readable: types and fields are only ever added, and added
// fields are optional. `vocabulary.json` is what has been promised; `npm run generate` adds to it and never takes away.
import { expect, test } from "vitest";
import { FACTS, type FactType, factType, wireType } from "../../shared/domain/facts.ts";
import { sourceFiles } from "../support/source-files.ts";
import promised from "./vocabulary.json" with { type: "json" };
import { describeVocabulary } from "./vocabulary.ts";

const now = describeVocabulary();
const PAST_TENSE = /(ed|gap|due)$|^(held|lost|out)$/;

test("the vocabulary test sees the vocabulary", () => {
  expect(Object.keys(now).length).toBeGreaterThan(40);
  expect(sourceFiles("vocabulary.json")).toEqual(["test/architecture/vocabulary.json"]);
});

test("every fact is named subject.predicate, in the past tense", () => {
  for (const type of Object.keys(FACTS)) {
    expect(type).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/);
    const words = (type.split(".")[1] ?? "").split("-");
    expect(
      words.some((word) => PAST_TENSE.test(word)),
      type,
    ).toBe(true);
  }
});

test("the wire name of every fact leads back to it", () => {
  for (const type of Object.keys(FACTS) as FactType[]) {
    expect(wireType(type)).toBe(`dev.signalbox.${type}.v1`);
    expect(factType(wireType(type))).toBe(type);
  }
  expect(factType("dev.signalbox.constructor.v1")).toBeUndefined();
});

test("no promised fact or field has gone or become narrower", () => {
  for (const [type, fields] of Object.entries(
    promised as Readonly<Record<string, Readonly<Record<string, string>>>>,
  )) {
    expect(Object.keys(now), "a fact type is gone").toContain(type);
    for (const [field, shape] of Object.entries(fields)) {
      expect(now[type]?.[field], `${type} ${field}`).toBe(shape);
    }
  }
});

test("every fact and field is promised, and what was added later is optional", () => {
  for (const [type, fields] of Object.entries(now)) {
    const before = (promised as Readonly<Record<string, Readonly<Record<string, string>>>>)[type];
    expect(before, `${type} is new: run npm run generate`).toBeDefined();
    expect(Object.keys(fields).toSorted(), `${type} has new fields: run npm run generate`).toEqual(
      Object.keys(before ?? {}).toSorted(),
    );
  }
});
