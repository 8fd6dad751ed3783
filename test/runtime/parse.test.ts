// Facts on the wire: read as they were written, or refused with the field at fault.
import { describe, expect, test } from "vitest";
import { FACT_BYTES_MAX, parseFact } from "../../shared/runtime/parse.ts";
import { factFrom, planStarted } from "../support/facts.ts";

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const fact = factFrom(planStarted("b"));
const refused = (value: unknown, expected: Readonly<Record<string, unknown>>) =>
  expect(() => parseFact(bytes(value)), JSON.stringify(value).slice(0, 100)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", ...expected }),
  );

describe("parsing a fact", () => {
  test("answers the fact that was written, whichever way its type is", () => {
    expect(parseFact(bytes(fact))).toEqual(fact);
    expect(parseFact(bytes({ ...fact, type: "dev.signalbox.plan.started.v1" }))).toEqual(fact);
  });

  test("names the field that is missing or wrong", () => {
    const { subject, ...without } = fact;
    expect(subject).toBe("stacks/web");
    refused(without, { reason: "INVALID_FACT" });
    refused({ ...fact, version: 1.5 }, { field: "version" });
    refused({ ...fact, time: "yesterday, at about noon" }, { field: "time" });
    refused({ ...fact, data: { build: 7 } }, { field: "data.build" });
    refused({ ...fact, data: null }, { field: "data" });
    refused([fact], { reason: "INVALID_FACT" });
  });

  test("knows only its vocabulary, and no names that every object has", () => {
    for (const type of ["plan.celebrated", "dev.signalbox.plan.started.v2", "toString", "__proto__", ""])
      refused({ ...fact, type }, {});
  });

  test("refuses more bytes than a fact may have, unread", () => {
    refused(" ".repeat(FACT_BYTES_MAX + 1), { reason: "TOO_LARGE" });
  });

  test("reads no number as another one", () => {
    const text = (data: string): string =>
      JSON.stringify({ ...fact, data: { build: "b" } }).replace('"b"', data);
    refused(text('"b","later":9007199254740993'), { reason: "NUMBER_TOO_LARGE", field: "later" });
    refused(text('"b","later":[-12345678901234567890123]'), { reason: "NUMBER_TOO_LARGE" });
    refused({ ...fact, version: 2 ** 53 }, { field: "version" });
    for (const same of [9007199254740992, 1e20 / 3, 1.25e25, 1e300]) {
      const read = parseFact(bytes(text(`"b","later":${JSON.stringify(same)}`)));
      expect((read.data as unknown as { later: number }).later).toBe(same);
    }
    parseFact(bytes(text('"9007199254740993"')));
  });

  test("keeps data that later versions added", () => {
    const newer = { ...fact, data: { build: "b", later: { field: 1 } } };
    expect(parseFact(bytes(newer))).toEqual(newer);
  });
});
