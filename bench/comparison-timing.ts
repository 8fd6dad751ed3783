// Does the time of a comparison tell how much of a secret was guessed? Two classes of wrong signatures, of wrong signed texts and
// of wrong tokens, that differ from the right one at the first or only at the last place, are compared in turn; Welch's t over
// the times (dudect, https://eprint.iacr.org/2016/1123) should stay below 4.5. The yardstick compares letter by letter.
import { createHmac, randomBytes } from "node:crypto";
import { verifySignature } from "../services/webhook/signature.ts";
import { createIdentity, hashToken } from "../shared/runtime/identity.ts";
import { createTextSigner } from "../shared/runtime/signed-text.ts";
import { tell } from "./best-of.ts";

const PAIRS = 20_000;
const WARM_UP = 2_000;
/** The slowest share of the times is left out: other work on the machine made them. */
const KEPT = 0.9;
const T_MAX = 4.5;

type Compare = (guess: string) => unknown;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function welch(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [mean(one), mean(other)];
  const variance = (values: readonly number[], middle: number): number =>
    values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
  return Math.abs(a - b) / Math.sqrt(variance(one, a) / one.length + variance(other, b) / other.length);
}

const fastest = (times: number[]): readonly number[] =>
  times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * KEPT));

/** Times of both classes, in an order that chance decides, so that nothing that comes in turns falls on one of them. */
async function timed(compare: Compare, guesses: readonly [string, string]): Promise<number> {
  const times: [number[], number[]] = [[], []];
  const order = randomBytes(WARM_UP + 2 * PAIRS);
  for (const [index, byte] of order.entries()) {
    const which = (byte & 1) as 0 | 1;
    const begin = process.hrtime.bigint();
    await compare(guesses[which]);
    const time = Number(process.hrtime.bigint() - begin);
    if (index >= WARM_UP) times[which].push(time);
  }
  return welch(fastest(times[0]), fastest(times[1]));
}

/** The right text with another letter at the first and at the last place. */
const wrong = (right: string, first = 0, last = right.length - 1): readonly [string, string] => {
  const other = (at: number): string =>
    `${right.slice(0, at)}${right[at] === "a" ? "b" : "a"}${right.slice(at + 1)}`;
  return [other(first), other(last)];
};

const secret = randomBytes(32).toString("base64url");
const body = Buffer.from(JSON.stringify({ ref: "refs/heads/main", padding: "x".repeat(500) }));
const signature = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
const signer = createTextSigner(randomBytes(32));
const text = signer.sign("session", ["grace", 1, 0]);
const token = randomBytes(32).toString("base64url");
const identity = createIdentity({
  readPrincipals: async () => [
    { principal: "grace", role: "operator", codeHostLogins: [], tokenHash: hashToken(token) },
  ],
  verifyWorkflowToken: async () => undefined,
});
const long = "a".repeat(100_000);
const letterByLetter: Compare = (guess) => {
  for (let at = 0; at < long.length; at += 1) if (guess[at] !== long[at]) return false;
  return true;
};

const goal = `below ${T_MAX}`;
const show = async (what: string, compare: Compare, guesses: readonly [string, string], wanted = goal) =>
  tell(
    `${what}: Welch's t of ${PAIRS} comparisons a class`,
    (await timed(compare, guesses)).toFixed(2),
    wanted,
  );

await show(
  "signature of a delivery",
  (guess) => {
    try {
      return verifySignature({ current: secret }, body, guess);
    } catch {
      return undefined;
    }
  },
  wrong(signature, "sha256=".length),
);
await show(
  "session",
  (guess) => signer.open("session", guess),
  wrong(text, text.indexOf(".") + 1, text.length - 2),
);
await show("token of a person", (guess) => identity.authenticate(guess), wrong(token));
await show("yardstick, letter by letter over 100,000", letterByLetter, wrong(long), "far above");
