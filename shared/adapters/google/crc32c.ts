// CRC-32C (Castagnoli, RFC 3720 B.4), by which Cloud Storage and Secret Manager say what bytes they hold.
const POLYNOMIAL = 0x82_f6_3b_78;

/** Bytes that are taken at once (slicing-by-8): more than twice as fast as one by one, which a large artifact is worth. */
const SLICES = 8;

/** `TABLES[slice * 256 + byte]`: what a byte comes to that has as many others behind it. */
const TABLES = new Uint32Array(SLICES * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  TABLES[byte] = value;
}
for (let index = 256; index < TABLES.length; index++) {
  const before = TABLES[index - 256] as number;
  TABLES[index] = (before >>> 8) ^ (TABLES[before & 0xff] as number);
}

/** The checksum of these bytes, as an unsigned number; of bytes that follow others when their checksum is given. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  // By index, and eight at a time as two numbers: iterating over the bytes of a saved plan is ten times slower.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = ~before;
  let index = 0;
  for (; index + SLICES <= bytes.length; index += SLICES) {
    const low = value ^ view.getUint32(index, true);
    const high = view.getUint32(index + 4, true);
    value =
      (TABLES[0x700 + (low & 0xff)] as number) ^
      (TABLES[0x600 + ((low >>> 8) & 0xff)] as number) ^
      (TABLES[0x500 + ((low >>> 16) & 0xff)] as number) ^
      (TABLES[0x400 + (low >>> 24)] as number) ^
      (TABLES[0x300 + (high & 0xff)] as number) ^
      (TABLES[0x200 + ((high >>> 8) & 0xff)] as number) ^
      (TABLES[0x100 + ((high >>> 16) & 0xff)] as number) ^
      (TABLES[high >>> 24] as number);
  }
  for (; index < bytes.length; index++)
    value = (value >>> 8) ^ (TABLES[(value ^ (bytes[index] as number)) & 0xff] as number);
  return ~value >>> 0;
}

function written(checksum: number): string {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(checksum);
  return four.toString("base64");
}

/** The checksum as Cloud Storage writes it: base64 of its four bytes, the largest first. */
export const crc32cText = (bytes: Uint8Array): string => written(crc32c(bytes));

/** The checksum of bytes that come in pieces. */
export function createCrc32c() {
  let checksum = 0;
  return {
    update: (piece: Uint8Array): void => void (checksum = crc32c(piece, checksum)),
    text: (): string => written(checksum),
  };
}
