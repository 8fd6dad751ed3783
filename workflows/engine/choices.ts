// Every place where production's behaviour is not established, one line each. README.md explains each choice.
// To follow a new observation, change the line here; nothing else decides these questions.

/** The behaviours that we chose because nothing about production is established. */
export const CHOICES = {
  /** `hello-${world}`: "literal" keeps the text and warns; "error" refuses the file. */
  embeddedExpression: "literal" as "literal" | "error",
  /** A step name used twice in different blocks of one routine. */
  duplicateNestedStepName: "warning" as "warning" | "error",
  /** `return` and `next: end` inside a parallel branch or iteration. */
  returnInBranch: "error" as "error" | "allow",
  /** YAML anchors and aliases; expansion is bounded by SOURCE_NODES_MAX. */
  yamlAliases: "expand" as "expand" | "error",
  /** `1e3` as a number literal inside an expression. */
  exponentLiterals: true,
  /** `+1`; the documentation lists no unary plus. */
  unaryPlus: false,
  /** `"a" < "b"`. */
  stringOrdering: "code-point" as "code-point" | "TypeError",
  /** `"1" == 1`: different non-numeric types. */
  mixedEquality: "false" as "false" | "TypeError",
  /** `and`/`or` skip the right side once the left decides. */
  shortCircuit: true,
  /** Sign of `-7 % 3`: "floor" gives 2 (the sign of the divisor), "truncate" gives -1. */
  remainderSign: "floor" as "floor" | "truncate",
  /** `7.5 // 2`: "double" gives 3.0, "integer" gives 3. */
  floorDivisionOfDoubles: "double" as "double" | "integer",
  /** The tag of an integer result that does not fit 64 bits. */
  overflowTag: "ValueError" as "ValueError" | "TypeError",
  /** The tags of an error that a list index out of range raises. */
  indexErrorTags: ["IndexError", "LookupError"] as readonly string[],
  /** The tags of reading a declared variable that no step has assigned yet. */
  unassignedTags: ["KeyError", "LookupError"] as readonly string[],
  /** The tags of a connection that never came to be. */
  connectionFailedTags: ["ConnectionFailedError", "ConnectionError"] as readonly string[],
  /** A switch condition that is null or another non-boolean. */
  nonBooleanCondition: "TypeError" as "TypeError" | "false",
  /** A retry block without a predicate. */
  missingPredicate: "always" as "always" | "never",
  /** Retries of a policy that has a predicate but no `max_retries`. */
  retriesWithoutNumber: 5,
  /** `text.find_all(x, "")`. */
  emptySubstring: "everywhere" as "everywhere" | "ValueError",
  /** `sys.get_env` of an unknown name without a default. */
  missingEnvironment: "KeyError" as "KeyError" | "null",
  /** Order of keys in `keys()`, `for` over keys and JSON output. */
  keyOrder: "insertion" as "insertion" | "sorted",
  /** `<`, `>` and `&` in JSON output. */
  jsonHtmlEscapes: false,
  /** `string(1.0)`. */
  integralDoubleText: "1" as "1" | "1.0",
  /** `text.substring` with bounds outside the text. */
  substringBounds: "ValueError" as "ValueError" | "clamp",
  /** `\\1` in the replacement of `text.replace_all_regex`: reported to stand for a group; the reference says that it does not. */
  regexReferences: "expand" as "expand" | "literal",
  /** `text.split(x, "")`. */
  emptySeparator: "characters" as "characters" | "ValueError",
  /** The `id` of a failed parallel iteration: its index or its value. */
  iterationId: "index" as "index" | "value",
  /** A JSON media type with a body that is not JSON. */
  invalidJsonBody: "string" as "string" | "ValueError",
  /** Redirects that a driver follows for one request. */
  redirectsMax: 10,
  /** `SHA-256` beside `SHA256`. */
  hyphenatedHashNames: true,
  /** The error text of the `in` operator carries no `TypeError: ` prefix, as it was seen. */
  inOperatorPrefix: "",
  /** `break` inside a parallel for. */
  breakInParallel: "error" as "error" | "allow",
  /** Helpers such as `...versions.accessString` inside an expression, though connectors block. */
  connectorHelperInExpression: "allow" as "allow" | "error",
} as const;
