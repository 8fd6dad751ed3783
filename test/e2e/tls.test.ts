// Listening beyond this machine: over TLS with certificate files, under configured names, and never in the open by accident.
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { Agent, request } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { openListening, type ListenOptions } from "../../scripts/compose/listening.ts";
import { startInstallation } from "../../scripts/serve.ts";
import { openTls } from "../../shared/runtime/tls.ts";
import { callCli } from "../cli/call-cli.ts";
import { makeCertificate } from "../support/certificates.ts";
import { temporaryFolder } from "../support/folder.ts";
import { PEOPLE } from "../support/people.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { createLogBook } from "../support/world.ts";

const TIMEOUT_MS = 90_000;

async function start(listen: ListenOptions) {
  const state = join(temporaryFolder(), "state");
  const people = PEOPLE.filter(({ principal }) => principal !== "admin");
  const installation = await startInstallation({ state, port: 0, gatewayPort: 0, people, listen });
  onTestFinished(() => installation.close());
  return installation;
}

/** A request with a Host header of its own, over a connection that trusts exactly this certificate. */
async function ask(url: string, cert: string, host: string): Promise<number> {
  const trust = {
    ca: readFileSync(cert, "utf8"),
    allowPartialTrustChain: true,
    checkServerIdentity: () => undefined,
  };
  const dispatcher = new Agent({ connect: trust });
  onTestFinished(() => dispatcher.close());
  const { statusCode, body } = await request(`${url}/healthz`, { dispatcher, headers: { host } });
  await body.dump();
  return statusCode;
}

/** The serial number of the certificate that a new connection is shown, and the protocol it speaks. */
const shown = (
  url: string,
  maxVersion?: "TLSv1.1" | "TLSv1.2",
): Promise<{ serial: string; protocol: string | null }> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const versions = maxVersion === undefined ? {} : { maxVersion, minVersion: maxVersion };
    const socket = connect(
      { port: Number(port), host: "127.0.0.1", rejectUnauthorized: false, ...versions },
      () => {
        resolve({ serial: socket.getPeerCertificate().serialNumber, protocol: socket.getProtocol() });
        socket.destroy();
      },
    );
    socket.once("error", reject);
  });

test.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}an installation answers over TLS on every address, under the names of its certificate alone`,
  async () => {
    const { cert, key } = makeCertificate(temporaryFolder(), "one", ["signalbox.example.com", "127.0.0.1"]);
    const { url, gatewayUrl, state } = await start({
      host: "0.0.0.0",
      tlsCert: cert,
      tlsKey: key,
      names: ["alias.example.com"],
    });
    expect([url, gatewayUrl].map((each) => new URL(each).protocol)).toEqual(["https:", "https:"]);

    expect(await ask(url, cert, "signalbox.example.com")).toBe(200);
    expect(await ask(url, cert, "alias.example.com:443")).toBe(200);
    expect(await ask(url, cert, "rebound.example.net")).toBe(421);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    await expect(fetch(url.replace("https", "http"))).rejects.toThrow();
    expect((await shown(url)).protocol).toBe("TLSv1.3");
    await expect(shown(gatewayUrl, "TLSv1.1")).rejects.toThrow();

    // On this machine the certificate is known; from elsewhere its authority is given.
    expect(await callCli(["--state", state.root, "status"])).toMatchObject({ code: 0, err: "" });
    const env = { SIGNALBOX_URL: url, SIGNALBOX_TOKEN: readFileSync(state.path("token"), "utf8") };
    const stranger = await callCli(["status"], { env });
    expect([stranger.code, stranger.err]).toEqual([
      5,
      expect.stringContaining("--ca or SIGNALBOX_CA") as string,
    ]);
    expect((await callCli(["--ca", cert, "status"], { env })).code).toBe(0);
    expect((await callCli(["status"], { env: { ...env, SIGNALBOX_CA: cert } })).code).toBe(0);
    const other = makeCertificate(temporaryFolder(), "other", ["127.0.0.1"]);
    expect((await callCli(["--ca", other.cert, "status"], { env })).code).toBe(5);
  },
  TIMEOUT_MS,
);

test("a renewed certificate is used by new connections, and a broken one changes nothing", async () => {
  const folder = temporaryFolder();
  const { cert, key } = makeCertificate(folder, "one", ["one.example.com"]);
  const log = createLogBook();
  const tls = await openTls({ certFile: cert, keyFile: key }, log);
  const given: unknown[] = [];
  tls.attach({ setSecureContext: (options: unknown) => given.push(options) });
  await tls.look();
  writeFileSync(cert, "half a certific");
  await tls.look();
  expect([given.length, tls.names()]).toEqual([0, ["one.example.com"]]);
  expect(log.lines.map(({ level }) => level)).toEqual(["error"]);
  const next = makeCertificate(folder, "two", ["two.example.com"]);
  copyFileSync(next.cert, cert);
  copyFileSync(next.key, key);
  await tls.look();
  expect([given.length, tls.names()]).toEqual([1, ["two.example.com"]]);
  await tls.look();
  expect(given).toHaveLength(1);
});

test.each([
  [{ host: "0.0.0.0" }, /without TLS everyone on the way reads tokens/],
  [{ host: "192.0.2.7" }, /--allow-plain-http/],
  [{ host: "::" }, /without TLS/],
  [{ host: "signalbox.example.com" }, /is no IP address/],
  [{ tlsCert: "a.crt" }, /belong together/],
  [{ host: "0.0.0.0", tlsCert: "/nowhere/a.crt", tlsKey: "/nowhere/a.key" }, /a\.crt cannot be read/],
])("%j is refused with what to do", async (options, said) => {
  await expect(openListening(options, createLogBook())).rejects.toThrow(said);
});

test("a key of another certificate, or one that everyone can read, is refused", async () => {
  const folder = temporaryFolder();
  const [one, two] = [
    makeCertificate(folder, "one", ["a.example.com"]),
    makeCertificate(folder, "two", ["a.example.com"]),
  ];
  const log = createLogBook();
  await expect(openListening({ tlsCert: one.cert, tlsKey: two.key }, log)).rejects.toThrow(
    /no certificate with its key/,
  );
  chmodSync(one.key, 0o644);
  await expect(openListening({ tlsCert: one.cert, tlsKey: one.key }, log)).rejects.toThrow(
    /can be read by everyone/,
  );
});

test.each([
  {},
  { host: "127.0.0.1" },
  { host: "::1" },
  { host: "localhost" },
  { host: "0.0.0.0", allowPlainHttp: true },
])("%j needs no TLS", async (options) => {
  expect((await openListening(options, createLogBook())).tls).toBeUndefined();
});
