// CRC-32C (Castagnoli, RFC 3720 B.4), by which Cloud Storage and Secret Manager say what bytes they hold.
const POLYNOMIAL = 0x82_f6_3b_78;

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The checksum of these bytes, as an unsigned number; of bytes that follow others when their checksum is given. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  // By index: iterating over the bytes of a saved plan is ten times slower.
  for (let index = 0; index < bytes.length; index++)
    value = (value >>> 8) ^ (TABLE[(value ^ (bytes[index] as number)) & 0xff] as number);
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
