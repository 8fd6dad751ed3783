// What Cloud Deploy renders from: a skaffold configuration and the objects of a release in one archive, the same bytes for the same release.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Manifest } from "./deploys-template.ts";

/** An archive and its digest. */
export interface Bundle {
  readonly bytes: Uint8Array;
  /** Hexadecimal SHA-256 of what is in it. */
  readonly digest: string;
}

const BLOCK = 512;
const SKAFFOLD = {
  apiVersion: "skaffold/v4beta7",
  kind: "Config",
  metadata: { name: "signalbox" },
  manifests: { rawYaml: ["release.yaml"] },
  deploy: { kubectl: {} },
};

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;

/** The header of a file in a POSIX (ustar) archive: no owner, no time. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100);
  block.write(octal(0o644, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function archive(files: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const bytes = Buffer.from(text);
    return [header(name, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** Packs the objects of a release. JSON is YAML, and has one form only. */
export function packBundle(manifests: readonly Manifest[]): Bundle {
  const release = manifests.map((manifest) => `---\n${JSON.stringify(manifest, undefined, 1)}\n`).join("");
  const tar = archive({
    "skaffold.yaml": `${JSON.stringify(SKAFFOLD, undefined, 1)}\n`,
    "release.yaml": release,
  });
  return { bytes: gzipSync(tar, { level: 9 }), digest: createHash("sha256").update(tar).digest("hex") };
}
