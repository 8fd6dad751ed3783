// The `*.cases.yaml` beside a workflow: its shape, and every problem in it with line and column.
import { basename, dirname, join } from "node:path";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { LineCounter, parseDocument, type Document, type Node } from "yaml";
import type { Problem } from "../../workflows/engine/engine.ts";
import { fieldProblem, type SchemaComplaint } from "../../shared/domain/field-problem.ts";

/** Cases of one file; more belong into a second file. */
export const CASES_MAX = 1_000;

const strict = { additionalProperties: false };
const Headers = Type.Record(Type.String(), Type.String());
const optional = Type.Optional;

const Answer = Type.Object(
  {
    status: optional(Type.Integer({ minimum: 100, maximum: 599 })),
    json: optional(Type.Unknown()),
    text: optional(Type.String()),
    headers: optional(Headers),
    /** A request that got no response: the tag of the error that the workflow sees. */
    failure: optional(
      Type.Union(
        (["ConnectionError", "ConnectionFailedError", "TimeoutError", "AuthError"] as const).map((tag) =>
          Type.Literal(tag),
        ),
      ),
    ),
    message: optional(Type.String()),
    /** The error of a connector, as it is raised: any value. */
    raises: optional(Type.Unknown()),
    /** How often this answer is given before the next one; the last one repeats without end. */
    times: optional(Type.Integer({ minimum: 1 })),
  },
  strict,
);

/** Which request: `METHOD URL` or a connector's name (`*` stands for anything), the step that makes it, and parts of body, headers and arguments. */
const CALL_PATTERN = String.raw`^([A-Z]+ \S+|\*\S*|(googleapis|gke|experimental)\.\S+)$`;
const Matcher = {
  call: optional(Type.String({ pattern: CALL_PATTERN })),
  step: optional(Type.String()),
  body: optional(Type.Unknown()),
  headers: optional(Headers),
  /** Of a connector that no table knows. */
  args: optional(Type.Unknown()),
};

const Effect = Type.Object({ ...Matcher, answers: Type.Array(Answer, { minItems: 1 }) }, strict);

const ExpectedCall = Type.Union([
  Type.String({ pattern: CALL_PATTERN }),
  Type.Object(
    { ...Matcher, auth: optional(Type.Union([Type.Literal("OIDC"), Type.Literal("OAuth2"), Type.Null()])) },
    strict,
  ),
]);

const Callback = Type.Object(
  {
    step: optional(Type.String()),
    method: optional(Type.String({ pattern: "^[A-Z]+$" })),
    afterSeconds: optional(Type.Number({ minimum: 0 })),
    body: optional(Type.Unknown()),
    headers: optional(Headers),
  },
  strict,
);

const Expectation = Type.Object(
  {
    state: optional(
      Type.Union([Type.Literal("SUCCEEDED"), Type.Literal("FAILED"), Type.Literal("CANCELLED")]),
    ),
    /** The whole result. */
    result: optional(Type.Unknown()),
    /** The uncaught error: a map names the keys that must be there. */
    error: optional(Type.Unknown()),
    /** The step that raised the uncaught error. */
    failedIn: optional(Type.String()),
    calls: optional(Type.Array(ExpectedCall)),
    logs: optional(Type.Array(Type.String())),
    /** Virtual seconds from start to end. */
    seconds: optional(Type.Number({ minimum: 0 })),
    steps: optional(
      Type.Object({ internal: optional(Type.Integer()), external: optional(Type.Integer()) }, strict),
    ),
  },
  { ...strict, minProperties: 1 },
);

const Environment = Type.Record(Type.String(), Type.String());

const Case = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    argument: optional(Type.Unknown()),
    environment: optional(Environment),
    seed: optional(Type.String()),
    effects: optional(Type.Array(Effect)),
    callbacks: optional(Type.Array(Callback)),
    cancelAfterSeconds: optional(Type.Number({ minimum: 0 })),
    expect: Expectation,
  },
  strict,
);

const CaseFile = Type.Object(
  {
    /** The workflow, relative to this file; default: the file of the same name beside it. */
    workflow: optional(Type.String()),
    environment: optional(Environment),
    /** The virtual clock starts here. */
    time: optional(Type.String({ pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$" })),
    /** Answers for every case, tried after those of the case. */
    effects: optional(Type.Array(Effect)),
    cases: Type.Array(Case, { minItems: 1, maxItems: CASES_MAX }),
  },
  strict,
);

/** What a file of cases says. */
export type CaseFile = Static<typeof CaseFile>;
/** One case. */
export type Case = CaseFile["cases"][number];
/** Scripted answers for requests that match. */
export type CaseEffect = NonNullable<Case["effects"]>[number];
/** One scripted answer. */
export type CaseAnswer = CaseEffect["answers"][number];
/** A scripted call to a callback endpoint. */
export type CaseCallback = NonNullable<Case["callbacks"]>[number];
/** What a case expects. */
export type Expectation = Case["expect"];
/** A call that is expected: text, or parts of it. */
export type ExpectedCall = NonNullable<Expectation["calls"]>[number];

const SUFFIX = /\.cases\.ya?ml$/;

/** Whether a file holds cases instead of a workflow. */
export const isCaseFile = (path: string): boolean => SUFFIX.test(path);

/** The file of cases that belongs to a workflow. */
export const caseFileOf = (workflow: string): string => workflow.replace(/(\.(ya?ml|json))?$/, ".cases.yaml");

/** The workflow that a file of cases is about. */
export function workflowOf(path: string, { workflow }: Pick<CaseFile, "workflow">): string {
  return join(dirname(path), workflow ?? basename(path).replace(SUFFIX, ".yaml"));
}

/** What to do, where the words of a schema say too little about a file. */
const ADVICE: readonly (readonly [string, string])[] = [
  ["see the schema", "`signalbox workflows test --help` shows the form"],
  ["correct it and send", "correct it; `signalbox workflows test --help` shows the form"],
];

/** Reads the text of a file of cases; never throws for what stands in it. */
export function parseCaseFile(
  text: string,
  file: string,
):
  | { readonly ok: true; readonly cases: CaseFile }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const at = (offset: number, rule: string, message: string, hint: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { severity: "error", file, line, column: col, length: 1, rule, message, hint };
  };
  const [broken] = document.errors;
  if (broken !== undefined)
    return { ok: false, problems: [at(broken.pos[0], "yaml", broken.message, "correct the YAML")] };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 1_000 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [at(0, "yaml", why, "use fewer aliases")] };
  }
  const problems = complaintsOf(value).map((complaints) => {
    const { message, field } = fieldProblem(complaints, "");
    const [what = message, advice = ""] = message.split(": ");
    const hint = ADVICE.find(([words]) => advice.includes(words))?.[1] ?? advice.replace(/\.$/, "");
    return at(offsetOf(document, field ?? ""), "case-file", what, hint);
  });
  if (problems.length > 0) return { ok: false, problems };
  const cases = value as CaseFile;
  const problem = badNames(document, cases, at);
  return problem.length === 0 ? { ok: true, cases } : { ok: false, problems: problem };
}

/** The complaints about each case apart, so that one bad case does not hide another. */
function complaintsOf(value: unknown): (readonly SchemaComplaint[])[] {
  const all = Value.Errors(CaseFile, value) as readonly SchemaComplaint[];
  const groups = new Map<string, SchemaComplaint[]>();
  for (const complaint of all) {
    const group = /^\/(cases|effects)\/\d+/.exec(complaint.instancePath)?.[0] ?? "";
    groups.set(group, [...(groups.get(group) ?? []), complaint]);
  }
  return [...groups.values()].filter((group) => group.some(({ keyword }) => keyword !== "boolean"));
}

function badNames(
  document: Document,
  { cases }: CaseFile,
  at: (offset: number, rule: string, message: string, hint: string) => Problem,
): Problem[] {
  const seen = new Set<string>();
  return cases.flatMap(({ name }, index) => {
    if (!seen.has(name)) return seen.add(name) && [];
    const offset = offsetOf(document, `cases[${index}].name`);
    return [
      at(offset, "case-name", `a second case is named ${JSON.stringify(name)}`, "give it another name"),
    ];
  });
}

/** Where a field stands; the nearest thing around it when it is missing. */
function offsetOf(document: Document, field: string): number {
  const path = [...field.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
}
