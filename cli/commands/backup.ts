// `signalbox backup` and `signalbox restore`: on this machine, with or without a control plane that runs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { versionOfThis } from "../../scripts/compose/shipped.ts";
import { STATE_FOLDERS } from "../connection.ts";
import { CommandError, EXIT } from "../exit.ts";
import type { CommandContext, GlobalOptions } from "../output.ts";
import { printableJson, printableLines } from "../text.ts";

/** Where `signalbox start` keeps its state, and so where a restored one goes. */
const STATE = ".signalbox/default";

/** The state folder that all commands look into: the one that was named, or the first that is there. */
const stateOf = ({ state }: GlobalOptions): string =>
  state ?? STATE_FOLDERS.find((folder) => existsSync(join(folder, "ledger.db"))) ?? STATE;

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** What the file system refused, in our words; anything else as it is. */
async function orExplain<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error) || !("code" in error)) throw error;
    throw new CommandError(EXIT.refused, `${error.message}. Nothing was left half done.`, error);
  }
}

function addBackup(program: Command, { write, now }: CommandContext): void {
  program
    .command("backup <to>")
    .description(
      "Back up the state folder, also of a control plane that runs: a new folder, or a file that ends in .tar",
    )
    .addHelpText(
      "after",
      "\nIt holds secrets and tokens: only its owner can read it; keep it like them.\n\nExamples:\n  $ signalbox backup /backup/signalbox-monday\n  $ signalbox --state /var/lib/signalbox backup /backup/monday.tar",
    )
    .action(async (to: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const { takeBackup } = await import("../backup/take.ts");
      const state = stateOf(options);
      const taken = await orExplain(() =>
        takeBackup({ state, to, signalbox: versionOfThis(), now: new Date(now()) }),
      );
      const words = `Backed up ${state} to ${taken.path}: ${taken.facts} facts, the newest of ${taken.newest || "never"}; ${taken.files} files, ${megabytes(taken.bytes)}.`;
      write(`${options.json === true ? printableJson(taken) : printableLines(words)}\n`);
    });
}

function addRestore(program: Command, { write }: CommandContext): void {
  program
    .command("restore <backup>")
    .description("Restore a backup into an empty state folder, after its digests were checked")
    .addHelpText(
      "after",
      "\nExamples:\n  $ signalbox restore /backup/monday.tar\n  $ signalbox --state /var/lib/signalbox restore /backup/signalbox-monday",
    )
    .action(async (from: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const { restoreBackup } = await import("../backup/restore.ts");
      const { state, manifest, facts, newest, interrupted } = await orExplain(() =>
        restoreBackup({ from, state: options.state ?? STATE }),
      );
      const lines = [
        `Restored ${state}: ${facts} facts, the newest of ${newest || "never"}; the backup is of ${manifest.createTime}.`,
        ...interrupted.map((build) => `  ${build} was on its way then and counts as interrupted.`),
        `Never start it while ${manifest.source} still runs elsewhere: both would apply and move traffic.`,
        ...(state === manifest.source
          ? []
          : [
              `Artifacts registered under ${manifest.source}/artifacts keep that name: start with --artifacts and that folder.`,
            ]),
        "Before the next merge, look at a plan of every stack: what was applied after the backup is not in its states.",
      ];
      const summary = {
        state,
        source: manifest.source,
        createTime: manifest.createTime,
        facts,
        newest,
        interrupted,
      };
      write(`${options.json === true ? printableJson(summary) : printableLines(lines.join("\n"))}\n`);
    });
}

/** Adds `backup` and `restore`. */
export function addBackups(program: Command, context: CommandContext): void {
  addBackup(program, context);
  addRestore(program, context);
}
