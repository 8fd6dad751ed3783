// Takes secrets and terminal escapes out of text, also when it comes in pieces.
// It errs on hiding too much; what it cannot know (a secret of no known form that nobody named) it cannot hide.

/** What stands in the place of a secret. */
export const REDACTED = "(redacted)";
/** Shortest configured secret that is looked for: shorter ones match half of every log. */
export const REDACTED_SECRET_LENGTH_MIN = 4;
/** Characters that are held back until the end of a line comes; longer lines are cut here. */
export const REDACTION_WINDOW_MAX = 64 * 1024;

/** Token formats that their issuers document. Each pattern is linear: no nested repetition. */
const TOKENS: readonly RegExp[] = [
  // GitHub: https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
  /\bgh[pousr]_[A-Za-z0-9]{20,255}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,255}/g,
  // Google: API keys, OAuth access and refresh tokens, client secrets.
  /\bAIza[A-Za-z0-9_-]{35}/g,
  /\bya29\.[A-Za-z0-9_.-]{20,2048}/g,
  /\b1\/\/0[A-Za-z0-9_-]{20,512}/g,
  /\bGOCSPX-[A-Za-z0-9_-]{20,64}/g,
  // AWS: access key ids, and secret keys where they are named.
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\baws_?(?:secret_?access_?key|session_?token)["' ]{0,4}[:=]["' ]{0,4}[A-Za-z0-9/+=]{16,2048}/gi,
  // Slack: tokens and incoming webhooks.
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g,
  /\bxapp-[A-Za-z0-9-]{10,255}/g,
  /https:\/\/hooks\.slack\.com\/[A-Za-z0-9/_-]{10,255}/g,
  // JSON Web Tokens (RFC 7519): three base64url parts, the first of which is a JSON object.
  /\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{4,8192}\.[A-Za-z0-9_-]{0,4096}/g,
  // HTTP credentials and credentials in URLs.
  /\bBearer [A-Za-z0-9._~+/=-]{16,4096}/gi,
  /(?<=:\/\/)[^\s/:@]{1,255}:[^\s/@]{1,255}(?=@)/g,
];

const PEM = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/g;
const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/;
const PEM_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/;

/** Control sequences (ECMA-48): CSI, OSC and other strings, two-character escapes, in 7-bit and 8-bit form. */
const ESCAPES = new RegExp(
  [
    "(?:\\u001b\\[|\\u009b)[0-?]*[ -/]*[@-~]",
    "(?:\\u001b[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^\\u0007\\u001b\\u009c\\n]*(?:\\u0007|\\u001b\\\\|\\u009c|(?=\\n)|$)",
    "\\u001b[ -/]*[0-~]?",
    "[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]",
    // Bidirectional controls can make text read otherwise than it is (https://trojansource.codes).
    "[\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\u061c]",
  ].join("|"),
  "g",
);

/** Text without terminal escapes, control characters and bidirectional controls; line ends become LF. */
export function stripEscapes(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(ESCAPES, "");
}

/** Redacts whole texts, given the secrets to look for besides known token formats. */
export type Redact = (text: string) => string;

/** The forms in which a secret may appear: itself, quoted for JSON, encoded for URLs, in base64, and each of its lines. */
function forms(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  const encoded = [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString("base64")];
  const url = secret.isWellFormed() ? [encodeURIComponent(secret)] : [];
  return [...encoded, ...url, ...lines].filter(({ length }) => length >= REDACTED_SECRET_LENGTH_MIN);
}

/** Makes a redaction of whole texts. Secrets are plain values; those shorter than REDACTED_SECRET_LENGTH_MIN are not looked for. */
export function createRedact(secrets: readonly string[]): Redact {
  const all = [...new Set(secrets.flatMap(forms))].toSorted((one, other) => other.length - one.length);
  return (text) => {
    let clean = stripEscapes(text);
    for (const secret of all) clean = clean.replaceAll(secret, REDACTED);
    clean = clean.replaceAll(PEM, REDACTED);
    for (const pattern of TOKENS) clean = clean.replaceAll(pattern, REDACTED);
    return clean;
  };
}

/** Redacts a stream: `write` answers what may be shown now, `end` the rest. */
export interface RedactStream {
  write(chunk: string): string;
  end(): string;
}

/**
 * Makes a redaction of a stream of chunks. Text is held back to the end of its line, so that a secret that is split over chunks is
 * whole when it is looked at; a private key is held back to its last line. Secrets with line ends are found line by line.
 * A line longer than REDACTION_WINDOW_MAX is replaced as a whole, because it cannot be looked at as a whole.
 */
export function createRedactStream(secrets: readonly string[]): RedactStream {
  const redact = createRedact(secrets);
  let held = "";
  let insideKey = false;
  let insideLong = false;
  const line = (text: string): string => {
    if (insideKey) {
      insideKey = !PEM_END.test(text);
      return "";
    }
    const begins = PEM_BEGIN.exec(text);
    if (begins === null || PEM_END.test(text)) return redact(text);
    insideKey = true;
    return `${redact(text.slice(0, begins.index))}${REDACTED}\n`;
  };
  return {
    write(chunk) {
      held += chunk;
      let shown = "";
      for (let end = held.indexOf("\n"); end !== -1; end = held.indexOf("\n")) {
        shown += insideLong ? "\n" : line(held.slice(0, end + 1));
        insideLong = false;
        held = held.slice(end + 1);
      }
      if (held.length > REDACTION_WINDOW_MAX) {
        if (!insideLong) shown += "(a line that is too long to show)";
        insideLong = true;
        held = "";
      }
      return shown;
    },
    end() {
      const rest = held === "" || insideLong ? "" : line(held);
      held = "";
      return rest;
    },
  };
}

/** A value with every text in it redacted, keys left alone. */
export function redactTexts(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactTexts(item, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactTexts(item, redact)]));
}
