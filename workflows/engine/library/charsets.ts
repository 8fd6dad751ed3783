// Character sets by their IANA names, for text.encode and text.decode: Unicode, and every set of the platform. Sets of one byte
// a character are encoded with a table that their decoder gives; those of several bytes are only decoded.
import { runtimeError } from "../values/workflow-error.ts";

const REPLACEMENT = "\uFFFD";

/** Sets that the platform's decoder would read as windows-1252, with the characters that they really have. */
const FIRST_CODE_POINTS: Readonly<Record<string, number | undefined>> = {
  "us-ascii": 0x80,
  ascii: 0x80,
  "iso-8859-1": 0x100,
  latin1: 0x100,
};
const UTF16: Readonly<Record<string, "le" | "be" | undefined>> = { "utf-16le": "le", "utf-16be": "be" };

function unsupported(charset: string): Error {
  return runtimeError("ValueError", `the charset ${JSON.stringify(charset)} is not supported`);
}

function decoderOf(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset, { ignoreBOM: true });
  } catch {
    throw unsupported(charset);
  }
}

/** The bytes of a set of one byte a character, by character; undefined for a set of several. */
function singleByteTable(charset: string): ReadonlyMap<string, number> | undefined {
  const first = FIRST_CODE_POINTS[charset];
  const size = first ?? 0x100;
  const all = Uint8Array.from({ length: size }, (_, byte) => byte);
  const text = first === undefined ? decoderOf(charset).decode(all) : String.fromCodePoint(...all);
  if (text.length !== size) return undefined;
  return new Map(
    Array.from(text).flatMap((character, byte) => (character === REPLACEMENT ? [] : [[character, byte]])),
  );
}

function encodeUtf16(text: string, order: "le" | "be"): Uint8Array {
  const bytes = Buffer.from(text.toWellFormed(), "utf16le");
  return new Uint8Array(order === "le" ? bytes : bytes.swap16());
}

/** Encodes text. @throws {WorkflowError} ValueError for an unknown set, or a character that has no place in it. */
export function encodeText(text: string, charset: string): Uint8Array {
  const name = charset.toLowerCase();
  if (name === "utf-8" || name === "utf8") return new TextEncoder().encode(text);
  const order = UTF16[name];
  if (order !== undefined) return encodeUtf16(text, order);
  const table = singleByteTable(name);
  if (table === undefined) throw unsupported(charset);
  return Uint8Array.from(text, (character) => {
    const byte = table.get(character);
    if (byte !== undefined) return byte;
    throw runtimeError("ValueError", `${JSON.stringify(character)} has no place in ${charset}`);
  });
}

/** Decodes bytes; what cannot be decoded becomes U+FFFD. @throws {WorkflowError} ValueError for an unknown set. */
export function decodeText(data: Uint8Array, charset: string): string {
  const name = charset.toLowerCase();
  const first = FIRST_CODE_POINTS[name];
  if (first === undefined) return decoderOf(name).decode(data);
  return Array.from(data, (byte) => (byte < first ? String.fromCodePoint(byte) : REPLACEMENT)).join("");
}

/** Decodes what must be UTF-8, such as JSON. @throws {WorkflowError} ValueError for other bytes. */
export function decodeUtf8(data: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    throw runtimeError("ValueError", "the bytes are no UTF-8 text");
  }
}
