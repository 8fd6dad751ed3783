// The filter language of Pub/Sub (cloud.google.com/pubsub/docs/subscription-message-filter): comparisons, `hasPrefix`, presence,
// NOT or `-`, and AND or OR, which must not be mixed without parentheses. At most 256 bytes.
const FILTER_BYTES_MAX = 256;
const TOKEN = /\s*(hasPrefix|attributes|AND|OR|NOT|!=|[-().,:=]|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_-]*)/y;

type Attributes = Readonly<Record<string, string>>;
type Matches = (attributes: Attributes) => boolean;

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new Error(`the filter cannot be read: ${text}`);
    tokens.push(token);
  }
  return tokens;
}

/** The filter as a predicate; throws for what the service refuses. */
export function parseFilter(text: string): Matches {
  if (text === "") return () => true;
  if (Buffer.byteLength(text) > FILTER_BYTES_MAX)
    throw new Error(`the filter has more than ${FILTER_BYTES_MAX} bytes`);
  const tokens = tokensOf(text);
  let at = 0;
  const next = (): string | undefined => tokens[at];
  const take = (wanted?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (wanted !== undefined && token !== wanted))
      throw new Error(`the filter wants ${wanted ?? "more"} at token ${at}: ${text}`);
    return token;
  };
  const literal = (): string => {
    const token = take();
    return token.startsWith('"') ? (JSON.parse(token) as string) : token;
  };
  const attribute = (): string => {
    take("attributes");
    take(".");
    return literal();
  };
  const comparison = (): Matches => {
    if (next() === "hasPrefix") {
      take();
      take("(");
      const key = attribute();
      take(",");
      const prefix = literal();
      take(")");
      return (attributes) => attributes[key]?.startsWith(prefix) === true;
    }
    if (tokens[at + 1] === ":") {
      take("attributes");
      take(":");
      const key = literal();
      return (attributes) => Object.hasOwn(attributes, key);
    }
    const key = attribute();
    const operator = take();
    const value = literal();
    if (operator === "=") return (attributes) => attributes[key] === value;
    // A message without the key does not match `!=`: presence is asked for first.
    if (operator === "!=") return (attributes) => Object.hasOwn(attributes, key) && attributes[key] !== value;
    throw new Error(`the filter knows no ${operator}: ${text}`);
  };
  const term = (): Matches => {
    if (next() === "NOT" || next() === "-") {
      take();
      const negated = term();
      return (attributes) => !negated(attributes);
    }
    if (next() !== "(") return comparison();
    take("(");
    const inside = expression();
    take(")");
    return inside;
  };
  function expression(): Matches {
    const terms = [term()];
    const joint = next();
    if (joint === "AND" || joint === "OR") {
      while (next() === joint) {
        take();
        terms.push(term());
      }
    }
    if (next() === "AND" || next() === "OR")
      throw new Error(`the filter mixes AND and OR without parentheses: ${text}`);
    return joint === "OR"
      ? (attributes) => terms.some((each) => each(attributes))
      : (attributes) => terms.every((each) => each(attributes));
  }
  const whole = expression();
  if (at < tokens.length) throw new Error(`the filter has something behind it: ${text}`);
  return whole;
}
