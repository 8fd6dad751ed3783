// Filters of a list of executions, after AIP-160: `state="FAILED" AND startTime>"2026-01-01"`. OR binds tighter than AND.
import { invalidArgument } from "../../../shared/domain/errors.ts";
import type { WorkflowExecution } from "../../../shared/ports/workflow-executions.ts";
import { durationSeconds } from "./resource.ts";

/** Characters of a filter. */
export const FILTER_CHARACTERS_MAX = 2_000;
/** How deep parentheses may stand in each other. */
const DEPTH_MAX = 20;

/** What a filter looks at. */
export interface Filtered {
  readonly execution: WorkflowExecution;
  /** Names of the steps where it stands. */
  readonly steps: readonly string[];
}

/** Whether an execution is asked for. */
export type Filter = (filtered: Filtered) => boolean;

interface Reader {
  readonly tokens: readonly string[];
  at: number;
  depth: number;
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(<=|>=|!=|[()=<>:-])|([^\s()=<>!:"']+))/y;
const OPERATORS = new Set(["=", "!=", "<", "<=", ">", ">=", ":"]);

const wrong = (why: string): Error =>
  invalidArgument(
    "filter",
    `filter ${why}: write for instance state="FAILED" AND startTime>"2026-01-01T00:00:00Z".`,
    "INVALID_FILTER",
  );

function tokensOf(text: string): readonly string[] {
  if (text.length > FILTER_CHARACTERS_MAX) throw wrong(`is longer than ${FILTER_CHARACTERS_MAX} characters`);
  const tokens: string[] = [];
  const scan = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (scan.lastIndex < end) {
    const from = scan.lastIndex;
    const match = scan.exec(text);
    if (match === null) throw wrong(`cannot be read from ${JSON.stringify(text.slice(from, from + 20))} on`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

const peek = ({ tokens, at }: Reader): string | undefined => tokens[at];

function take(reader: Reader): string {
  const token = peek(reader);
  if (token === undefined) throw wrong("ends too early");
  reader.at++;
  return token;
}

function readAll(reader: Reader): Filter {
  const parts = [readAny(reader)];
  for (let next = peek(reader); next !== undefined && next !== ")"; next = peek(reader)) {
    if (next === "AND") take(reader);
    parts.push(readAny(reader));
  }
  return (filtered) => parts.every((part) => part(filtered));
}

function readAny(reader: Reader): Filter {
  const parts = [readOne(reader)];
  while (peek(reader) === "OR") {
    take(reader);
    parts.push(readOne(reader));
  }
  return (filtered) => parts.some((part) => part(filtered));
}

function readOne(reader: Reader): Filter {
  const token = take(reader);
  if (token === "NOT" || token === "-") {
    const part = nested(reader, () => readOne(reader));
    return (filtered) => !part(filtered);
  }
  if (token === "(") {
    const part = nested(reader, () => readAll(reader));
    if (take(reader) !== ")") throw wrong("lacks a closing parenthesis");
    return part;
  }
  const operator = take(reader);
  if (!OPERATORS.has(operator)) throw wrong(`has no operator behind ${JSON.stringify(token)}`);
  return restriction(token, operator, textOf(take(reader)));
}

function nested(reader: Reader, read: () => Filter): Filter {
  reader.depth++;
  if (reader.depth > DEPTH_MAX) throw wrong(`is nested more than ${DEPTH_MAX} deep`);
  const filter = read();
  reader.depth--;
  return filter;
}

const textOf = (token: string): string =>
  /^["']/.test(token) ? token.slice(1, -1).replaceAll(/\\(.)/g, "$1") : token;

function compare(operator: string, order: number): boolean {
  if (operator === "<") return order < 0;
  if (operator === "<=") return order <= 0;
  if (operator === ">") return order > 0;
  if (operator === ">=") return order >= 0;
  return (order === 0) === (operator !== "!=");
}

/** Equality of text, where a star at either end stands for anything. */
function sameText(value: string, wanted: string): boolean {
  const middle = wanted.replace(/^\*/, "").replace(/\*$/, "");
  const [open, close] = [wanted.startsWith("*"), wanted.length > 1 && wanted.endsWith("*")];
  if (open && close) return value.includes(middle);
  if (open) return value.endsWith(middle);
  return close ? value.startsWith(middle) : value === wanted;
}

function anyText(
  operator: string,
  wanted: string,
  values: (filtered: Filtered) => readonly string[],
): Filter {
  if (!["=", "!=", ":"].includes(operator)) throw wrong(`cannot compare text by ${operator}`);
  return (filtered) => values(filtered).some((value) => sameText(value, wanted)) === (operator !== "!=");
}

function byNumber(
  operator: string,
  wanted: number,
  value: (execution: WorkflowExecution) => number | undefined,
): Filter {
  if (Number.isNaN(wanted)) throw wrong("has a time or duration that cannot be read");
  return ({ execution }) => {
    const number = value(execution);
    return number !== undefined && compare(operator, number - wanted);
  };
}

const time = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text);

function restriction(field: string, operator: string, wanted: string): Filter {
  switch (field.toLowerCase().replaceAll("_", "")) {
    case "executionid":
      return anyText(operator, wanted, ({ execution }) => [execution.id]);
    case "state":
      return anyText(operator, wanted.toUpperCase(), ({ execution }) => [execution.state]);
    case "workflowrevisionid":
      return anyText(operator, wanted, ({ execution }) => [execution.revision]);
    case "stepname":
      return anyText(operator, wanted, ({ steps }) => steps);
    case "createtime":
      return byNumber(operator, Date.parse(wanted), ({ createdAt }) => time(createdAt));
    case "starttime":
      return byNumber(operator, Date.parse(wanted), ({ startedAt }) => time(startedAt));
    case "endtime":
      return byNumber(operator, Date.parse(wanted), ({ endedAt }) => time(endedAt));
    case "duration":
      return byNumber(operator, Number(wanted.replace(/s$/, "")), durationSeconds);
    case "label":
    case "labels":
      return anyText(operator, wanted.replace("=", ":"), ({ execution }) =>
        Object.entries(execution.labels).flatMap(([key, value]) => [key, `${key}:${value}`]),
      );
    default:
      return byLabel(field, operator, wanted);
  }
}

/** `labels.key = value`. */
function byLabel(field: string, operator: string, wanted: string): Filter {
  const key = /^labels?\.(.+)$/.exec(field)?.[1];
  if (key === undefined)
    throw wrong(
      `names ${JSON.stringify(field)}, known are executionID, state, createTime, startTime, endTime, duration, ` +
        "workflowRevisionID, stepName and label",
    );
  return anyText(operator, wanted, ({ execution: { labels } }) => {
    const value = labels[key];
    return value === undefined ? [] : [value];
  });
}

/** Reads a filter; nothing in it asks for all. Throws INVALID_ARGUMENT `INVALID_FILTER`. */
export function parseFilter(text: string): Filter {
  if (text.trim() === "") return () => true;
  const reader: Reader = { tokens: tokensOf(text), at: 0, depth: 0 };
  const filter = readAll(reader);
  if (reader.at < reader.tokens.length) throw wrong("has a parenthesis too many");
  return filter;
}
