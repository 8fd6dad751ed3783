// Durations as people write them (`60s`, `30m`, `1h30m`) and as programs use them (milliseconds).

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
/** What `parseDuration` reads, as a pattern of JSON Schema. */
export const DURATION_PATTERN = WHOLE.source;

/** Longest text that is read as a duration, in characters. */
const DURATION_LENGTH_MAX = 40;

/** Milliseconds of a duration such as `500ms`, `60s`, `1.5m`, `1h30m`, `7d`; undefined when it is not one. Rounded to whole milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (text.length > DURATION_LENGTH_MAX || !WHOLE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(PART))
    totalMs += Number(amount) * (UNIT_MS[unit] ?? 0);
  return Number.isSafeInteger(Math.round(totalMs)) ? Math.round(totalMs) : undefined;
}

/** The shortest text that `parseDuration` reads back as the same whole milliseconds, such as `1h30m`; `0s` for zero. */
export function formatDuration(durationMs: number): string {
  let restMs = Math.max(0, Math.round(durationMs));
  if (restMs === 0) return "0s";
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"]) {
    const unitMs = UNIT_MS[unit] ?? 1;
    const count = Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text;
}
