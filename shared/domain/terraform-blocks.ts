// What one block of a Terraform file asks for, judged against the allow-list.
import { attributeOf, type HclBlock, type HclExpression } from "./hcl.ts";
import { type HclToken, templateText } from "./hcl-lexer.ts";
import { isHclObject, literalOf } from "./hcl-literal.ts";
import { BUILT_IN_PROVIDER, impliedProvider, localNameOf, providerAddress } from "./provider-source.ts";
import type { SourceProblem } from "./source-problem.ts";
import { moduleSource } from "./terraform-files.ts";

/** What plans may use beyond the built-in provider and local modules. Nothing is allowed that is not listed. */
export interface ScanPolicy {
  /** Provider source addresses; `hashicorp/google` and the full form are the same. */
  readonly providers: readonly string[];
  /** Provisioner types, such as `local-exec`. */
  readonly provisioners: readonly string[];
  /** Types of data sources and ephemeral resources, such as `google_project`. */
  readonly dataSources: readonly string[];
  /** Remote module sources, exactly as written in `source`. */
  readonly modules: readonly string[];
}

/** Where a block stands. */
export interface BlockContext {
  readonly file: string;
  /** The module's directory in the repository. */
  readonly directory: string;
  readonly allow: ScanPolicy;
  /** Local provider name → source address, as the module declares it. */
  readonly providers: ReadonlyMap<string, string>;
}

/** What a block asks for. */
export interface BlockUse {
  readonly problems: SourceProblem[];
  readonly requiredVersions: { readonly constraint: string; readonly line: number }[];
  readonly providers: string[];
  /** Directories of the local modules that it calls. */
  readonly modules: string[];
}

interface Place {
  readonly line: number;
  readonly column: number;
}

const ALLOW = "or ask a maintainer to add it to `allow` in .signalbox.yaml on the base branch.";
const HARMLESS = new Set(["locals", "variable", "output", "moved", "import"]);

/** The tokens without `configuration_aliases = […]`, whose references are the one thing there that is no literal. */
function withoutAliases(tokens: readonly HclToken[]): readonly HclToken[] {
  const sign = (at: number): string | undefined => {
    const token = tokens[at];
    return token === undefined || token.kind === "template" ? undefined : token.text;
  };
  const start = tokens.findIndex((_, at) => sign(at) === "configuration_aliases");
  const end = tokens.findIndex((_, at) => at > start && sign(at) === "]");
  if (start === -1 || end === -1 || sign(start + 2) !== "[") return tokens;
  return [...tokens.slice(0, start), ...tokens.slice(sign(end + 1) === "," ? end + 2 : end + 1)];
}

/** The `source` of one entry of `required_providers`; undefined when it has none, null when it cannot be told. */
function declaredSource(expression: HclExpression): string | null | undefined {
  const value = expression.literal ?? literalOf(withoutAliases(expression.tokens));
  if (typeof value === "string") return undefined;
  if (!isHclObject(value)) return null;
  const source = value["source"];
  return source === undefined || typeof source === "string" ? source : null;
}

/** The providers that a module declares in all its `terraform` blocks. Two sources for one name are refused. */
export function requiredProviders(blocks: readonly { readonly file: string; readonly block: HclBlock }[]): {
  readonly sources: ReadonlyMap<string, string>;
  readonly problems: readonly SourceProblem[];
} {
  const sources = new Map<string, string>();
  const problems: SourceProblem[] = [];
  for (const { file, block } of blocks) {
    if (block.type !== "terraform") continue;
    const entries = block.body.blocks.filter(({ type }) => type === "required_providers");
    for (const { name, expression, line, column } of entries.flatMap(({ body }) => body.attributes)) {
      const source = declaredSource(expression);
      const address = typeof source === "string" ? providerAddress(source) : impliedProvider(name);
      const known = sources.get(name);
      if (source === null || address === undefined || (known !== undefined && known !== address)) {
        const what = `The source of the provider ${name} cannot be told${known === undefined ? "" : ": it is declared twice"}.`;
        problems.push({
          file,
          line,
          column,
          what,
          remedy: 'Write source = "namespace/type" once, as a literal.',
        });
      } else {
        sources.set(name, address);
      }
    }
  }
  return { sources, problems };
}

/** Judges one top-level block. */
export function scanBlock(block: HclBlock, context: BlockContext): BlockUse {
  const use: BlockUse = { problems: [], requiredVersions: [], providers: [], modules: [] };
  const refuse = (at: Place, what: string, remedy: string): void => {
    use.problems.push({ file: context.file, line: at.line, column: at.column, what, remedy });
  };
  const [type = ""] = block.labels;
  if (block.type === "terraform") {
    scanSettings(block, context, use, refuse);
  } else if (block.type === "provider") {
    useProvider(type, block, context, use, refuse);
  } else if (block.type === "resource") {
    useProvider(providerName(block) ?? localNameOf(type), block, context, use, refuse);
    scanProvisioners(block, context, refuse);
  } else if (block.type === "data" || block.type === "ephemeral") {
    scanData(block, context, use, refuse);
  } else if (block.type === "check") {
    for (const inner of block.body.blocks) if (inner.type === "data") scanData(inner, context, use, refuse);
  } else if (block.type === "removed") {
    scanProvisioners(block, context, refuse);
  } else if (block.type === "module") {
    scanModuleCall(block, context, use, refuse);
  } else if (!HARMLESS.has(block.type)) {
    refuse(block, `The block type ${block.type} is not known here.`, "Remove the block.");
  }
  return use;
}

type Refuse = (at: Place, what: string, remedy: string) => void;

/** The local name in `provider = name.alias`, if the block has that attribute. */
function providerName(block: HclBlock): string | undefined {
  const expression = attributeOf(block.body, "provider")?.expression;
  const first = expression?.tokens[0];
  if (first === undefined) return undefined;
  const name = first.kind === "template" ? templateText(first) : first.text;
  return name?.split(".", 1)[0] ?? "";
}

function useProvider(name: string, at: Place, context: BlockContext, use: BlockUse, refuse: Refuse): void {
  const address = context.providers.get(name) ?? impliedProvider(name);
  use.providers.push(address);
  const allowed = context.allow.providers.some((source) => providerAddress(source) === address);
  if (address === BUILT_IN_PROVIDER || allowed) return;
  refuse(at, `The provider ${address} is not allowed.`, `Use built-in resources, ${ALLOW}`);
}

function scanSettings(block: HclBlock, context: BlockContext, use: BlockUse, refuse: Refuse): void {
  for (const { name, expression } of block.body.attributes) {
    if (name !== "required_version") continue;
    const { literal } = expression;
    if (typeof literal === "string")
      use.requiredVersions.push({ constraint: literal, line: expression.line });
    else refuse(expression, "required_version is not a literal.", 'Write it as a string, such as ">= 1.9".');
  }
  for (const inner of block.body.blocks) {
    if (inner.type === "backend" || inner.type === "cloud") {
      refuse(inner, `A ${inner.type} block is not allowed: Signalbox keeps the state.`, "Remove the block.");
    } else if (inner.type === "provider_meta") {
      useProvider(inner.labels[0] ?? "", inner, context, use, refuse);
    } else if (inner.type === "required_providers") {
      for (const { name, line, column } of inner.body.attributes) {
        useProvider(name, { line, column }, context, use, refuse);
      }
    } else {
      refuse(inner, `The block ${inner.type} is not known in terraform settings.`, "Remove the block.");
    }
  }
}

function scanData(block: HclBlock, context: BlockContext, use: BlockUse, refuse: Refuse): void {
  const [type = ""] = block.labels;
  useProvider(providerName(block) ?? localNameOf(type), block, context, use, refuse);
  scanProvisioners(block, context, refuse);
  if (context.allow.dataSources.includes(type)) return;
  const kind = block.type === "data" ? "data source" : "ephemeral resource";
  refuse(
    block,
    `The ${kind} ${type} is not allowed: it runs while planning.`,
    `Pass the value as a variable, ${ALLOW}`,
  );
}

function scanProvisioners(block: HclBlock, context: BlockContext, refuse: Refuse): void {
  for (const inner of block.body.blocks) {
    const generated = inner.type === "dynamic" && inner.labels[0] === "provisioner";
    if (inner.type !== "provisioner" && !generated) continue;
    const type = generated ? "dynamic" : (inner.labels[0] ?? "");
    if (context.allow.provisioners.includes(type)) continue;
    refuse(inner, `The provisioner ${type} is not allowed: it runs commands.`, `Remove it, ${ALLOW}`);
  }
}

function scanModuleCall(block: HclBlock, context: BlockContext, use: BlockUse, refuse: Refuse): void {
  const attribute = attributeOf(block.body, "source");
  const source = attribute?.expression.literal;
  const at = attribute ?? block;
  if (typeof source !== "string") {
    refuse(
      at,
      "The module's source is missing or not a literal.",
      'Write it as a string, such as "./modules/x".',
    );
    return;
  }
  const target = moduleSource(context.directory, source);
  if (target.kind === "local") {
    use.modules.push(target.directory);
  } else if (target.kind === "escapes") {
    refuse(
      at,
      `The module source ${source} leads out of the repository.`,
      "Use a directory of this repository.",
    );
  } else if (!context.allow.modules.includes(source)) {
    refuse(
      at,
      `The module source ${source} is not allowed.`,
      `Copy the module into the repository, ${ALLOW}`,
    );
  }
}
