// Limits of the product, from its documentation and quota pages; each is enforced where it is named.

/** Bytes of source text. */
export const SOURCE_BYTES_MAX = 128 * 1024;
/** YAML nodes after aliases are expanded; ours, so that aliases cannot multiply without end. */
export const SOURCE_NODES_MAX = 100_000;
/** Levels of YAML nesting; ours, so that recursion over the tree stays within the stack. */
export const SOURCE_DEPTH_MAX = 200;
/** Problems reported for one file; ours. */
export const PROBLEMS_MAX = 100;
/** Characters between `${` and `}`. */
export const EXPRESSION_CHARACTERS_MAX = 400;
/** Assignments in one step. */
export const ASSIGNMENTS_MAX = 50;
/** Cases in one switch. */
export const CASES_MAX = 50;
/** Parameters of a subworkflow. */
export const PARAMS_MAX = 10;
/** Fewest branches of one parallel step. */
export const BRANCHES_MIN = 2;
/** Most branches of one parallel step. */
export const BRANCHES_MAX = 10;
/** Characters of a name of a step or variable; ours. */
export const NAME_CHARACTERS_MAX = 256;
/** Steps that one execution may run. */
export const STEPS_MAX = 100_000;
/** Frames on the stack of one thread, the main routine included. */
export const CALL_DEPTH_MAX = 20;
/** Parallel steps inside each other. */
export const PARALLEL_DEPTH_MAX = 2;
/** Branches and iterations that run at one time in an execution. */
export const PARALLEL_ACTIVE_MAX = 20;
/** Errors of branches that one UnhandledBranchError lists. */
export const BRANCH_ERRORS_MAX = 100;
/** Bytes of all live variables. */
export const MEMORY_BYTES_MAX = 512 * 1024;
/** Bytes of one string. */
export const STRING_BYTES_MAX = 256 * 1024;
/** Bytes of one HTTP response. */
export const RESPONSE_BYTES_MAX = 2 * 1024 * 1024;
/** Seconds that one HTTP request may take, and the default. */
export const HTTP_TIMEOUT_SECONDS_MAX = 1800;
export const HTTP_TIMEOUT_SECONDS_DEFAULT = 300;
/** Seconds of one sleep, and of a connector call that waits for an operation: one year. */
export const SLEEP_SECONDS_MAX = 31_536_000;
/** Seconds that an await of a callback waits unless told. */
export const CALLBACK_TIMEOUT_SECONDS_DEFAULT = 43_200;
/** Levels of nesting in JSON that a workflow decodes; ours. */
export const JSON_DEPTH_MAX = 200;
