// Outside events and CloudEvents, as pure reading.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromBinary, fromStructured } from "../../shared/domain/cloud-event.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { isOutsideType, OUTSIDE_EVENTS, outsideCause } from "../../shared/domain/outside-events.ts";
import { factType } from "../../shared/domain/facts.ts";

const attributes = { specversion: "1.0", id: "1", source: "/s", type: "t" };
const headers = (more: Record<string, string> = {}) =>
  Object.entries({ ...attributes, ...more }).map(([name, value]) => [`CE-${name}`, value] as const);

test("both modes read the same event, and leave data alone", () => {
  const data = { a: [1, null, "ü"] };
  const event = { id: "1", source: "/s", type: "t", subject: "x y", time: "2026-01-02T03:04:05.1Z", data };
  expect(
    fromStructured({ ...attributes, subject: "x y", time: event.time, data, custom: "kept out" }),
  ).toEqual(event);
  expect(fromBinary(headers({ subject: "x%20y", time: event.time }), data)).toEqual(event);
});

test("header values are decoded once, and what cannot be decoded is refused", () => {
  expect(fromBinary(headers({ subject: "%E2%82%AC%2525" }), null).subject).toBe("€%25");
  expect(fromBinary(headers({ subject: "100%" }), null).subject).toBe("100%");
  expect(() => fromBinary(headers({ subject: "%E2%82" }), null)).toThrow(/not percent-encoded/);
  expect(() => fromBinary([...headers(), ["ce-id", "2"]], null)).toThrow(/came twice/);
});

test("a trace that has not the form of W3C is left out", () => {
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  expect(fromStructured({ ...attributes, traceparent }).traceparent).toBe(traceparent);
  expect(fromStructured({ ...attributes, traceparent: "00-zz" }).traceparent).toBeUndefined();
});

/** Any JSON, and events in which one attribute is any JSON. */
const almost = fc.oneof(
  fc.jsonValue(),
  fc
    .tuple(fc.constantFrom("id", "source", "time", "subject", "data"), fc.jsonValue())
    .map(([name, value]) => ({ ...attributes, [name]: value })),
);

test("any JSON is an event or a refusal that names a field", () => {
  fc.assert(
    fc.property(almost, (document) => {
      try {
        expect(fromStructured(document).id).not.toBe("");
      } catch (error) {
        expect(error).toBeInstanceOf(ControlPlaneError);
        expect((error as ControlPlaneError).field).not.toBe(undefined);
      }
    }),
  );
});

test("the cause tells senders, sources and ids apart, however they are cut", () => {
  const parts = fc.tuple(fc.string(), fc.string(), fc.string());
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      expect(outsideCause(...one) === outsideCause(...other)).toBe(same);
    }),
  );
  expect(outsideCause("a", "b", "c")).not.toBe(outsideCause("a", "b\nc", ""));
});

test("no outside type is the name of an inner fact", () => {
  for (const type of Object.keys(OUTSIDE_EVENTS)) {
    expect(isOutsideType(type)).toBe(true);
    if (type !== "dev.signalbox.run.requested.v1") expect(factType(type), type).toBeUndefined();
  }
  expect(isOutsideType("toString")).toBe(false);
});
