// What of a document Firestore would refuse or change is refused before anything is sent.
import { expect, test } from "vitest";
import {
  DOCUMENT_KEY_BYTES_MAX,
  DOCUMENT_TEXT_BYTES_MAX,
  documentId,
  documentText,
  hashedId,
} from "../../../shared/adapters/google/firestore-documents.ts";
import { isTransient } from "../../../shared/domain/errors.ts";

/** What was thrown, or the answer. */
function refused(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test("a document may have as many bytes as Firestore takes, counted as UTF-8, and not one more", () => {
  const quotes = 2;
  const fits = "é".repeat((DOCUMENT_TEXT_BYTES_MAX - quotes) / 2);
  expect(Buffer.byteLength(documentText(fits, "The fact"))).toBe(DOCUMENT_TEXT_BYTES_MAX);
  const error = refused(() => documentText(`${fits}x`, "The fact"));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", reason: "DOCUMENT_TOO_LARGE" });
  expect(isTransient(error)).toBe(false);
  expect(String(error).length).toBeLessThan(400);
});

test("keys of prototypes, large integers and half characters come back as they went", () => {
  const text = '{"__proto__":{"x":1},"constructor":2,"n":9007199254740991,"half":"\\ud83d"}';
  const back: unknown = JSON.parse(documentText(JSON.parse(text), "The fact"));
  expect(JSON.stringify(back)).toBe(text);
  expect(({} as { readonly x?: unknown }).x).toBeUndefined();
});

test("what JSON would change in silence is a defect of ours, by its place", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(refused(() => documentText({ rate: value }, "The fact"))).toMatchObject({
      code: "INTERNAL",
      reason: "NOT_JSON",
      field: "rate",
    });
  expect(refused(() => documentText(undefined, "The fact"))).toMatchObject({ reason: "NOT_JSON" });
});

test("no key is an id that Firestore keeps for itself, two keys share none, and one too long is refused", () => {
  const keys = ["", ".", "..", "__proto__", "__x__", "a/b", "a%2Fb", "=", "é", "x".repeat(1_300)];
  const ids = keys.map((key) => documentId(key, "The key"));
  expect(new Set(ids).size).toBe(keys.length);
  for (const id of ids) {
    expect(id).not.toMatch(/^\.\.?$|^__.*__$|\/|^$/);
    expect(Buffer.byteLength(id)).toBeLessThanOrEqual(DOCUMENT_KEY_BYTES_MAX);
  }
  expect(refused(() => documentId("/".repeat(500), "The key"))).toMatchObject({ reason: "KEY_TOO_LONG" });
  expect(refused(() => documentId("\ud83d", "The key"))).toMatchObject({ reason: "TEXT_NOT_UNICODE" });
  expect(hashedId("a", "b")).not.toBe(hashedId("ab"));
});
