// When a notification is tried again: the schedule that Standard Webhooks recommends, about three days long.
import { createHash } from "node:crypto";

/** Pauses after the first, second, … failed attempt, in seconds. */
const DELAYS_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
/** Attempts of one notification before it is given up; a person may ask for more. */
export const NOTIFICATION_ATTEMPTS_MAX = 10;
/** Longest pause that a receiver can ask for with `Retry-After`. */
export const NOTIFICATION_PAUSE_SECONDS_MAX = 86_400;
/** Pauses are longer by up to this share, so that what failed together does not come back together. */
const JITTER = 0.1;

/** A number from 0 to 1 that is the same for the same attempt, wherever it is computed. */
function shareOf(id: string, attempts: number): number {
  return createHash("sha256").update(`${id}/${attempts}`).digest().readUInt32BE(0) / 2 ** 32;
}

/** Seconds that `Retry-After` asks for (RFC 9110 10.2.3: seconds or a date); 0 when it asks for nothing that can be read. */
export function retryAfterSeconds(header: string | undefined, now: Date): number {
  if (header === undefined) return 0;
  const text = header.trim();
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - now.getTime()) / 1_000;
  return Number.isFinite(seconds)
    ? Math.min(Math.max(Math.ceil(seconds), 0), NOTIFICATION_PAUSE_SECONDS_MAX)
    : 0;
}

/**
 * When the next attempt is due after `attempts` failed ones (from 1); undefined when it is time to give up.
 * `askedSeconds` is what the receiver asked for: it is never tried sooner.
 */
export function nextNotificationAttempt(
  {
    id,
    attempts,
    askedSeconds,
  }: { readonly id: string; readonly attempts: number; readonly askedSeconds: number },
  now: Date,
): Date | undefined {
  const delay = DELAYS_SECONDS[attempts - 1];
  if (delay === undefined || attempts >= NOTIFICATION_ATTEMPTS_MAX) return undefined;
  const seconds = Math.max(delay, askedSeconds) * (1 + JITTER * shareOf(id, attempts));
  return new Date(now.getTime() + Math.round(seconds * 1_000));
}
