// The `signalbox` process.
import { run } from "./program.ts";

const context = {
  env: process.env,
  now: () => Date.now(),
  write: (text: string) => void process.stdout.write(text),
};
process.exitCode = await run(process.argv.slice(2), context, (text) => void process.stderr.write(text));
