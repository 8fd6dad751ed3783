// Reading documents of views: a page shows what is there, and never fails because something is not.
import type { ViewDocument } from "../../shared/ports/views.ts";

/** The text of a field, or nothing. */
export function textOf(document: ViewDocument, field: string): string {
  const value = document[field];
  return typeof value === "string" ? value : "";
}

/** The number of a field, or nothing. */
export function numberOf(document: ViewDocument, field: string): number | undefined {
  const value = document[field];
  return typeof value === "number" ? value : undefined;
}

/** The object of a field, or an empty one. */
export function objectOf(document: ViewDocument, field: string): ViewDocument {
  const value = document[field];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as ViewDocument) : {};
}

/** The last id of a name and, where they say something, the ids before it: `ranker 3` of `teams/default/models/ranker/versions/3`. */
export function shortName(name: string): string {
  const parts = name.split("/");
  const ids = parts.filter((_, index) => index % 2 === 1);
  const shown = parts[0] === "teams" && ids.length > 1 ? ids.slice(1) : ids;
  return shown.join(" ") || name;
}
