// What counters say about a move: unseen, under way, arrived.
import { expect, test } from "vitest";
import type { CounterSample } from "../../shared/domain/counter-increase.ts";
import { arrivalOf } from "../../shared/domain/move-arrival.ts";

const MOVED = 100_000;

/** Readings of a backend every 5 s from the move on: its request count at each. */
const readings = (version: string, ...counts: readonly number[]): readonly CounterSample[] =>
  counts.map((requests, at) => ({
    version,
    instance: `${version}-pod`,
    timeMs: MOVED + (at - 1) * 5_000,
    requests,
    errors: 0,
  }));

test("without a reading since the move, or without a request, nothing is known", () => {
  expect(arrivalOf(MOVED, { new: 100 }, [])).toEqual({ kind: "unseen" });
  expect(arrivalOf(MOVED, { new: 100 }, readings("old", 1, 9))).toEqual({ kind: "unseen" });
  const quiet = [...readings("old", 1, 9, 9, 9), ...readings("new", 0, 0, 0, 0)];
  expect(arrivalOf(MOVED, { new: 100 }, quiet)).toEqual({ kind: "unseen" });
});

test("it is under way while a backend without weight is asked, or one with weight never was", () => {
  const both = [...readings("old", 1, 9, 20, 30), ...readings("new", 0, 0, 4, 9)];
  expect(arrivalOf(MOVED, { new: 100 }, both)).toEqual({ kind: "under-way", strays: ["old"], missing: [] });
  expect(arrivalOf(MOVED, { new: 50, old: 50 }, readings("old", 1, 9, 20))).toEqual({
    kind: "under-way",
    strays: [],
    missing: ["new"],
  });
});

test("it has arrived when only backends with weight are asked, since the last stray", () => {
  const both = [...readings("old", 1, 9, 20, 20, 20), ...readings("new", 0, 0, 4, 9, 20)];
  expect(arrivalOf(MOVED, { new: 100 }, both)).toEqual({ kind: "arrived", atMs: MOVED + 5_000 });
  const clean = [...readings("old", 1, 9, 9, 9), ...readings("new", 0, 0, 4, 9)];
  expect(arrivalOf(MOVED, { new: 100 }, clean)).toEqual({ kind: "arrived", atMs: MOVED });
});

test("what was counted across the move belongs to neither side, and a restart is no stray", () => {
  const across = [...readings("old", 1, 900, 900), ...readings("new", 0, 0, 4)];
  expect(arrivalOf(MOVED, { new: 100 }, across)).toMatchObject({ kind: "arrived" });
  const restarted = [...readings("old", 90, 90, 0, 0), ...readings("new", 0, 0, 4, 9)];
  expect(arrivalOf(MOVED, { new: 100 }, restarted)).toMatchObject({ kind: "arrived" });
});

test("an aborted first version leaves nobody with weight: any request is a stray", () => {
  expect(arrivalOf(MOVED, {}, readings("old", 1, 9, 20))).toEqual({
    kind: "under-way",
    strays: ["old"],
    missing: [],
  });
  expect(arrivalOf(MOVED, {}, readings("old", 1, 9, 20, 20))).toEqual({
    kind: "arrived",
    atMs: MOVED + 5_000,
  });
});
