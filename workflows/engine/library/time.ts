// time.*: RFC 3339 with microseconds, time zones by their IANA names.
import { asNumeric, asString, pure, tableOf } from "./library-function.ts";
import { runtimeError } from "../values/workflow-error.ts";

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
const MICROS = 1_000_000;
/** Seconds of the years 0000 to 9999, which four digits can write. */
const SECONDS_MIN = -62_167_219_200;
/** The last second of the year 9999, after which no time can be written. */
const SECONDS_MAX = 253_402_300_800;

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** The offset of a time zone from UTC in seconds at an instant. @throws {WorkflowError} ValueError for an unknown zone. */
function zoneOffset(timezone: string, milliseconds: number): number {
  if (timezone === "UTC" || timezone === "") return 0;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    throw runtimeError("ValueError", `unknown time zone ${JSON.stringify(timezone)}`);
  }
  const parts = Object.fromEntries(
    format.formatToParts(milliseconds).map(({ type, value }) => [type, value]),
  );
  const [year, month, day, hour, minute, second] = ["year", "month", "day", "hour", "minute", "second"].map(
    (part) => Number(parts[part]),
  );
  const local = new Date(0);
  local.setUTCFullYear(
    parts["era"] === "BC" ? 1 - (year as number) : (year as number),
    (month as number) - 1,
    day,
  );
  local.setUTCHours(hour as number, minute, second);
  return local.getTime() / 1000 - Math.floor(milliseconds / 1000);
}

/** `2024-07-12T14:50:33.000000+02:00`; always six fraction digits, `Z` for no offset. */
export function formatTime(seconds: bigint | number, timezone: string): string {
  const value = Number(seconds);
  if (!(value >= SECONDS_MIN && value < SECONDS_MAX))
    throw runtimeError("ValueError", `${seconds} seconds is no time of the years 0 to 9999`);
  const whole = Math.floor(value);
  const micros = Math.min(MICROS - 1, Math.round((value - whole) * MICROS));
  const offset = zoneOffset(timezone, whole * 1000);
  const local = new Date((whole + offset) * 1000);
  const date = `${pad(local.getUTCFullYear(), 4)}-${pad(local.getUTCMonth() + 1, 2)}-${pad(local.getUTCDate(), 2)}`;
  const time = `${pad(local.getUTCHours(), 2)}:${pad(local.getUTCMinutes(), 2)}:${pad(local.getUTCSeconds(), 2)}`;
  return `${date}T${time}.${pad(micros, 6)}${formatOffset(offset)}`;
}

function formatOffset(seconds: number): string {
  if (seconds === 0) return "Z";
  const minutes = Math.round(Math.abs(seconds) / 60);
  return `${seconds < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}`;
}

/** Seconds since 1970 of an RFC 3339 text, to the microsecond. @throws {WorkflowError} ValueError. */
export function parseTime(text: string): number {
  const found = RFC3339.exec(text);
  const invalid = (): Error => runtimeError("ValueError", `${JSON.stringify(text)} is no RFC 3339 time`);
  if (found === null) throw invalid();
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, Math.min(second, 59));
  const real =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second <= 60;
  if (!real) throw invalid();
  const leap = second === 60 ? 1 : 0;
  const fraction = Math.round(Number(found[7] ?? 0) * MICROS) / MICROS;
  return date.getTime() / 1000 + leap + fraction - parseOffset(found[8] as string);
}

function parseOffset(text: string): number {
  if (/^z$/i.test(text)) return 0;
  const [hours, minutes] = text.slice(1).split(":").map(Number) as [number, number];
  return (text.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** time.* */
export const TIME_FUNCTIONS = tableOf([
  pure("time.format", "seconds timezone?", ([seconds, timezone]) => {
    return formatTime(
      asNumeric(seconds, "seconds"),
      timezone === undefined ? "UTC" : asString(timezone, "timezone"),
    );
  }),
  pure("time.parse", "value", ([value]) => parseTime(asString(value, "value"))),
]);
