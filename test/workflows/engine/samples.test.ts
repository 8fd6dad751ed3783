// Programs in the style of the official samples: they run, and together they use everything that such programs were found to use.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkCase, readCaseFile } from "./support/case-runner.ts";
import { problemsOf } from "./support/run-workflow.ts";

const FOLDER = join(import.meta.dirname, "samples");
const samples = readdirSync(FOLDER).flatMap((file) => readCaseFile(join(FOLDER, file)));

describe("samples", () => {
  test.each(samples.map((sample) => [sample.case, sample] as const))(
    "a workflow that %s",
    async (_, sample) => {
      expect(problemsOf(sample.workflow)).toEqual([]);
      await checkCase(sample, "sample.yaml");
    },
  );
});

/** What the official samples and demos were found to use, and how to see that a text uses it. */
const FEATURES: Readonly<Record<string, RegExp>> = {
  call: /call: \w/,
  "connector call": /call: googleapis\./,
  assign: /assign:/,
  return: /return:/,
  "list form": /^- \w+:/,
  "main with params": /^main:\n {2}params: \[/,
  subworkflow: /^[a-z_]+:\n {2}params:/m,
  "defaults of parameters": /params: \[.*\w+: .*\]/,
  switch: /switch:/,
  "case with next": /condition: .*\n\s+next: [a-z]/,
  "case with return": /condition: .*\n\s+return:/,
  "case with assign": /condition: .*\n\s+assign:/,
  "case with steps": /condition: .*\n\s+steps:/,
  "literal true case": /condition: true\n/,
  "for in": /for:\n\s+value: \w+\n(?:\s+index: \w+\n)?\s+in: /,
  "for range": /range: \[/,
  "for index": /index: \w/,
  "parallel for": /parallel:\n(?:\s+\w+: .*\n)*\s+for:/,
  "parallel branches": /parallel:\n(?:\s+\w+: .*\n)*\s+branches:/,
  shared: /shared: \[/,
  exception_policy: /exception_policy: continueAll/,
  concurrency_limit: /concurrency_limit: \d/,
  "try with except": /except:\n\s+as: e/,
  "custom retry": /retry:\n\s+predicate:/,
  "named retry": /retry: \$\{http\.default_retry/,
  "raise of an expression": /raise: \$\{/,
  "raise of a map": /raise: \{/,
  "raise of a text": /raise: [a-z]/,
  "next to a step": /\n\s+next: (?!end|break|continue)\w/,
  "next: break": /next: break/,
  "next: continue": /next: continue/,
  "nested steps": /^ {2,}- \w+:\n\s+steps:\n/m,
  OAuth2: /type: OAuth2/,
  OIDC: /type: OIDC/,
  connector_params: /connector_params:\n\s+timeout: \d+\n\s+polling_policy:.*\n\s+scopes:/,
  "dotted target": /- \w+\.\w+\.\w+: /,
  "indexed target": /- \w+\[\w+\]: /,
  callback: /events\.await_callback/,
  "list literal in an expression": /\$\{\["/,
  and: /\$\{.* and /,
  or: /\$\{.* or /,
  not: /\$\{.*not\(/,
  in: /\$\{.*" in /,
  "+": /\$\{.* \+ /,
  "*": /\$\{.* \* /,
  "/": /\$\{.* \/ /,
  "==": /\$\{.* == /,
  "upper-case operators": / AND NOT .* OR /,
  "remainder and floor division": /\$\{.* % [^]*\$\{.* \/\/ /,
};

const FUNCTIONS =
  `sys.get_env http.get http.post http.put http.delete http.request sys.log sys.sleep sys.sleep_until sys.now len string
  int double keys default if get_type text.substring text.split text.encode text.decode text.find_all text.find_all_regex
  text.match_regex text.replace_all text.replace_all_regex text.to_lower text.to_upper text.url_encode text.url_encode_plus
  text.url_decode base64.encode base64.decode list.concat list.prepend json.encode json.encode_to_string json.decode
  events.create_callback_endpoint events.await_callback time.format time.parse map.get map.merge map.merge_nested map.delete
  hash.compute_checksum hash.compute_hmac math.abs math.floor math.max math.min uuid.generate`.split(/\s+/);

const texts = samples.map(({ workflow }) => workflow);

test.each(Object.entries(FEATURES))("the samples use %s", (_, pattern) => {
  expect(texts.some((text) => pattern.test(text))).toBe(true);
});

test("the samples use every function that samples use, and those that none does", () => {
  const used = (name: string): boolean =>
    texts.some((text) => text.includes(`call: ${name}\n`) || text.includes(`${name}(`));
  expect(FUNCTIONS.filter((name) => !used(name))).toEqual([]);
});
