// The limit of one string, checked wherever an expression makes one.
import { STRING_BYTES_MAX } from "../limits.ts";
import { limitError } from "./workflow-error.ts";

/** Bytes that one UTF-16 unit can take in UTF-8. */
const BYTES_PER_UNIT_MAX = 3;

/** The text as it is. @throws {WorkflowError} fatal, when it has more than STRING_BYTES_MAX bytes of UTF-8. */
export function checkString(text: string): string {
  if (text.length * BYTES_PER_UNIT_MAX <= STRING_BYTES_MAX) return text;
  if (text.length > STRING_BYTES_MAX || Buffer.byteLength(text) > STRING_BYTES_MAX)
    throw limitError("String size limit exceeded", "MemoryLimitExceededError");
  return text;
}
