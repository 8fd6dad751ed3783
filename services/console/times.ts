// Times as people read them: how long ago, with the exact time behind it.
import { type Html, html } from "./html.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long ago, in the largest unit that fits. */
export function ago(time: string, now: Date): string {
  const passedMs = now.getTime() - Date.parse(time);
  if (Number.isNaN(passedMs)) return "";
  if (passedMs < 5 * SECOND_MS) return "now";
  if (passedMs < MINUTE_MS) return `${Math.floor(passedMs / SECOND_MS)} s ago`;
  if (passedMs < HOUR_MS) return `${Math.floor(passedMs / MINUTE_MS)} min ago`;
  if (passedMs < DAY_MS) return `${Math.floor(passedMs / HOUR_MS)} h ago`;
  return `${Math.floor(passedMs / DAY_MS)} d ago`;
}

/** A time element; the exact time is in its title. Nothing for no time. */
export function timeAgo(time: string, now: Date): Html {
  const text = ago(time, now);
  return text === "" ? html`` : html`<time datetime="${time}" title="${time}">${text}</time>`;
}
