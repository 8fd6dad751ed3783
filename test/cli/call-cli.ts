// The command line as tests call it: in this process, with its own environment, clock and streams.
import { Readable } from "node:stream";
import { run } from "../../cli/program.ts";

/** What a command line answered. */
export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a test may choose. */
export interface CallOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
}

/** Runs one command line. Nothing of the test's own environment reaches it. */
export async function callCli(argv: readonly string[], options: CallOptions = {}): Promise<Called> {
  let out = "";
  let err = "";
  const context = {
    env: options.env ?? {},
    now: () => Date.now(),
    write: (text: string) => void (out += text),
    stdin: Readable.from([options.stdin ?? ""]),
  };
  const code = await run(argv, context, (text) => void (err += text));
  return { code, out, err };
}
