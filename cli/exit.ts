// Exit codes that scripts can rely on.

/** Exit code by what went wrong; 2 is the command line's own (usage). */
export const EXIT = { ok: 0, refused: 1, usage: 2, notFound: 3, denied: 4, unavailable: 5 } as const;

/** A command that could not do its work: the code to exit with and what to tell the person. */
export class CommandError extends Error {
  readonly exit: number;

  constructor(exit: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CommandError";
    this.exit = exit;
  }
}
