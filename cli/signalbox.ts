// The `signalbox` process.
import { run } from "./program.ts";

const context = {
  env: process.env,
  now: () => Date.now(),
  write: (text: string) => void process.stdout.write(text),
  stdin: process.stdin,
  tell: (text: string) => void process.stderr.write(text),
  screen: () => {
    const { isTTY, columns, rows } = process.stdout;
    return isTTY ? { columns, rows } : undefined;
  },
};
// `signalbox facts | head` closes the pipe early: that is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await run(process.argv.slice(2), context, (text) => void process.stderr.write(text));
