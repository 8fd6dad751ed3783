// Certificates for tests, made by the system's openssl.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** A self-signed certificate for these names, and its key, as files. */
export function makeCertificate(folder: string, name: string, hosts: readonly string[]) {
  const cert = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const names = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(",");
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  execFileSync(
    "openssl",
    [...request, "-subj", `/CN=${name}`, "-addext", `subjectAltName=${names}`, "-keyout", key, "-out", cert],
    { stdio: "ignore" },
  );
  return { cert, key };
}
