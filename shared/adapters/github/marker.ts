// Hidden words in what GitHub shows: how we know again what we wrote, after a lost reply or a restart.
import { Buffer } from "node:buffer";

const COMMENT = /^<!-- signalbox:comment ([A-Za-z0-9_-]*) -->\n?/;
const CHECK = /<!-- signalbox:check ([0-9TZ:.+-]+) -->/;

/** The first line of the comment that is kept up to date under this key. */
export function commentMarker(key: string): string {
  return `<!-- signalbox:comment ${Buffer.from(key, "utf8").toString("base64url")} -->\n`;
}

/** Key and text of a comment of ours; undefined when it has no marker. */
export function readComment(body: string): { readonly key: string; readonly markdown: string } | undefined {
  const [marker, key] = COMMENT.exec(body) ?? [];
  if (marker === undefined || key === undefined) return undefined;
  return { key: Buffer.from(key, "base64url").toString("utf8"), markdown: body.slice(marker.length) };
}

/** What says on a check run of when its content is. */
export function checkMarker(updatedAt: string): string {
  return `<!-- signalbox:check ${updatedAt} -->`;
}

/** Of when the content of a check run is; undefined when it does not say. */
export function readCheckMarker(text: string | null | undefined): string | undefined {
  return CHECK.exec(text ?? "")?.[1];
}
