// Terraform's machine-readable output (https://developer.hashicorp.com/terraform/internals/machine-readable-ui): what it says,
// what is wrong where, and which resources are being changed right now.
import { resolveInside } from "../../../shared/domain/terraform-files.ts";

/** Errors that are kept. */
const ERRORS_MAX = 100;

/** An error of Terraform. */
export interface Diagnostic {
  readonly summary: string;
  readonly detail: string;
  /** The resource that it is about, when Terraform names one. */
  readonly address?: string;
  /** Path in the repository, when Terraform names a place. */
  readonly place?: { readonly path: string; readonly line: number; readonly column: number };
}

/** Reads the lines of one run. */
export interface TerraformLog {
  /** Takes one line; answers the text for the log, or undefined when the line is not for people. */
  readonly read: (line: string) => string | undefined;
  readonly errors: readonly Diagnostic[];
  /** Addresses that are being changed, in the order in which they began. */
  readonly changing: ReadonlySet<string>;
  /** Addresses whose change failed. */
  readonly failed: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const count = (value: unknown): number => (typeof value === "number" ? value : 1);

/** Message types that carry values of outputs, which the log does not show, or nothing of interest. */
const UNSHOWN = new Set(["outputs", "version"]);

function diagnosticOf(value: unknown, directory: string): Diagnostic {
  const { summary, detail, range, address } = fields(value);
  const { filename, start } = fields(range);
  const path = typeof filename === "string" ? resolveInside(directory, filename) : undefined;
  const at = fields(start);
  return {
    summary: text(summary),
    detail: text(detail),
    ...(text(address) === "" ? {} : { address: text(address) }),
    ...(path === undefined ? {} : { place: { path, line: count(at["line"]), column: count(at["column"]) } }),
  };
}

/** What went wrong with what, in one line. */
export function headline({ address, summary }: Diagnostic): string {
  return address === undefined ? summary : `${address}: ${summary}`;
}

/** A diagnostic for the log. */
function diagnosticText(diagnostic: Diagnostic, severity: string): string {
  const { place, detail } = diagnostic;
  const where = place === undefined ? "" : ` (${place.path}:${place.line})`;
  return `${severity}: ${headline(diagnostic)}${where}${detail === "" ? "" : `\n  ${detail.replaceAll("\n", "\n  ")}`}`;
}

/** Makes a reader. `directory` is the root module's, against which Terraform names files. */
export function createTerraformLog(
  directory: string,
  onChanging: (addresses: readonly string[]) => void,
): TerraformLog {
  const errors: Diagnostic[] = [];
  const changing = new Set<string>();
  const failed: string[] = [];
  const follow = (type: string, hook: unknown): void => {
    const address = text(fields(fields(hook)["resource"])["addr"]);
    if (address === "") return;
    if (type === "apply_start") changing.add(address);
    else if (type === "apply_complete" || type === "apply_errored") changing.delete(address);
    else return;
    if (type === "apply_errored") failed.push(address);
    onChanging([...changing]);
  };
  return {
    errors,
    changing,
    failed,
    read: (line) => {
      let message: Fields;
      try {
        message = fields(JSON.parse(line));
      } catch (error) {
        if (error instanceof SyntaxError) return line;
        throw error;
      }
      const type = text(message["type"]);
      follow(type, message["hook"]);
      if (UNSHOWN.has(type)) return undefined;
      if (type !== "diagnostic") return text(message["@message"]);
      const diagnostic = diagnosticOf(message["diagnostic"], directory);
      const isError = text(fields(message["diagnostic"])["severity"]) === "error";
      if (isError && errors.length < ERRORS_MAX) errors.push(diagnostic);
      return diagnosticText(diagnostic, isError ? "Error" : "Warning");
    },
  };
}
