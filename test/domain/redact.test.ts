import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createRedact,
  createRedactStream,
  REDACTED,
  REDACTION_WINDOW_MAX,
  stripEscapes,
} from "../../shared/domain/redact.ts";

const redact = createRedact([]);
const PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nabc\n-----END RSA PRIVATE KEY-----";

describe("redaction", () => {
  test.each([
    ["a GitHub token", `ghp_${"a".repeat(36)}`],
    ["a fine-grained GitHub token", `github_pat_${"A1_".repeat(20)}`],
    ["a Google API key", `AIza${"b".repeat(35)}`],
    ["a Google access token", `ya29.${"c".repeat(60)}`],
    ["an AWS key id", "AKIAIOSFODNN7EXAMPLE"],
    ["an AWS secret key", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
    ["a Slack token", "xoxb-123456789012-abcdefghijkl"],
    ["a Slack webhook", "https://hooks.slack.com/services/T000/B000/XXXXXXXX"],
    ["a JSON Web Token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123"],
    ["a bearer header", "Bearer abcdefghijklmnop0123"],
    ["a private key", PEM],
  ])("hides %s", (_, secret) => {
    const shown = redact(`before ${secret} after`);
    expect(shown).toBe(`before ${REDACTED} after`);
  });

  test("hides a password in a URL and leaves the host", () => {
    expect(redact("git clone https://me:hunter22@host.test/x")).toBe(
      `git clone https://${REDACTED}@host.test/x`,
    );
  });

  test("hides configured secrets in every form in which programs print them", () => {
    const secret = 'p"ss wörd/1\nsecond line';
    const hide = createRedact([secret]);
    for (const form of [
      secret,
      JSON.stringify(secret),
      encodeURIComponent(secret),
      Buffer.from(secret).toString("base64"),
      "second line",
    ]) {
      expect(hide(`x ${form} y`)).toContain(REDACTED);
      expect(hide(`x ${form} y`)).not.toContain("second");
    }
  });

  test("finds a secret that a terminal escape cuts in two", () => {
    expect(createRedact(["canary-1"])("can\u001b[31mary\u202e-1")).toBe(REDACTED);
  });

  test("takes terminal escapes, control characters and bidirectional controls out", () => {
    expect(
      stripEscapes("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007x\u0000y\r\nz \u202etxt\u009b2Jw"),
    ).toBe("redxy\nz txtw".replace("red", "red "));
  });

  test("leaves ordinary text alone", () => {
    const text =
      "terraform_data.x: Creating... [id=b9517e2a-ea78-f650-3663-9d72691102f6] 12:30 https://a.test/b?c=d\n";
    expect(redact(text)).toBe(text);
  });
});

describe("redaction of a stream", () => {
  const stream = (secrets: readonly string[], chunks: readonly string[]): string => {
    const redaction = createRedactStream(secrets);
    return chunks.map((chunk) => redaction.write(chunk)).join("") + redaction.end();
  };

  test("finds every secret wherever the chunks are cut", () => {
    const text = `one canary-secret two ghp_${"a".repeat(36)}\n${PEM}\nlast canary-secret`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, index) => text.slice(at[index], end));
        const shown = stream(["canary-secret"], chunks);
        expect(shown).toBe(`one ${REDACTED} two ${REDACTED}\n${REDACTED}\nlast ${REDACTED}`);
      }),
    );
  });

  test("shows a line as soon as it has ended", () => {
    const redaction = createRedactStream([]);
    expect(redaction.write("a\nb")).toBe("a\n");
    expect(redaction.write("c\n")).toBe("bc\n");
  });

  test("hides what cannot be looked at as a whole", () => {
    const long = "x".repeat(REDACTION_WINDOW_MAX);
    const shown = stream(["canary"], [long, "cana", "ry", "\nnext\n"]);
    expect(shown).toBe("(a line that is too long to show)\nnext\n");
    expect(stream([], ["-----BEGIN PRIVATE KEY-----\nabc\n"])).toBe(`${REDACTED}\n`);
  });

  test("stays linear on hostile input", () => {
    const hostile = [
      "eyJ".repeat(20_000),
      "://".repeat(20_000),
      "Bearer ".repeat(9_000),
      "\u001b]".repeat(30_000),
      "-----BEGIN PRIVATE KEY-----".repeat(2_000),
    ];
    const start = process.cpuUsage().user;
    for (const text of hostile) redact(text);
    expect((process.cpuUsage().user - start) / 1_000).toBeLessThan(4_000);
  });
});
