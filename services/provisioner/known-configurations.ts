// What a `.signalbox.yaml` says, read once: the same text stands at most commits, and each delivery asks for two of them.
import { type ReadConfiguration, readConfiguration } from "../../shared/domain/signalbox-yaml.ts";

/** Texts of `.signalbox.yaml` whose meaning is remembered; the oldest is forgotten first. */
export const CONFIGURATIONS_KNOWN_MAX = 32;

const known = new Map<string, ReadConfiguration>();

/** Reads the text, or remembers what it means: the reading depends on nothing else. */
export function knownConfiguration(text: string): ReadConfiguration {
  const before = known.get(text);
  if (before !== undefined) return before;
  const read = readConfiguration(text);
  known.set(text, read);
  const oldest = known.keys().next().value;
  if (known.size > CONFIGURATIONS_KNOWN_MAX && oldest !== undefined) known.delete(oldest);
  return read;
}
