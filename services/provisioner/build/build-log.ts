// The log of a build: redacted before it touches the disk, bounded, one file.
import { closeSync, openSync, writeSync } from "node:fs";
import { createRedact, createRedactStream, type Redact } from "../../../shared/domain/redact.ts";

/** Characters of one log. */
export const LOG_LENGTH_MAX = 2_000_000;

/** Writes lines for people. */
export interface BuildLog {
  line(text: string): void;
  /** Adds texts that must not be shown from now on. */
  hide(secrets: readonly string[]): void;
  /** Redacts a text that goes elsewhere, such as into the result. */
  readonly redact: Redact;
  close(): void;
}

/** Opens the log of a build that nobody has logged to yet. */
export function createBuildLog(path: string, secrets: readonly string[]): BuildLog {
  const file = openSync(path, "wx", 0o600);
  let hidden = secrets;
  let stream = createRedactStream(hidden);
  let redact = createRedact(hidden);
  let length = 0;
  const write = (text: string): void => {
    if (text === "" || length > LOG_LENGTH_MAX) return;
    length += text.length;
    writeSync(file, length > LOG_LENGTH_MAX ? "… the log is too long; the rest is not kept\n" : text);
  };
  return {
    line: (text) => write(stream.write(`${text}\n`)),
    hide(more) {
      write(stream.end());
      hidden = [...new Set([...hidden, ...more])];
      stream = createRedactStream(hidden);
      redact = createRedact(hidden);
    },
    redact: (text) => redact(text),
    close() {
      write(stream.end());
      closeSync(file);
    },
  };
}
