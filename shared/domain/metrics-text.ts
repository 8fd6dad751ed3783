// Metrics as Prometheus text (exposition format 0.0.4, prometheus.io/docs/instrumenting/exposition_formats).

/** Media type of the text. */
export const METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One value of a metric. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a summary: which of its two series. */
  readonly part?: "sum" | "count";
}

/** A metric: a name by convention (unit last, `_total` for counters), what it tells, and its values. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "summary";
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

const escapeHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function requireName(pattern: RegExp, name: string): string {
  // A name is written by us and never comes from outside: a wrong one is a defect.
  if (!pattern.test(name)) throw new Error(`${JSON.stringify(name)} is no name of Prometheus text.`);
  return name;
}

function sampleLine(name: string, { labels, value, part }: MetricSample): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${requireName(LABEL_NAME, label)}="${escapeValue(text)}"`,
  );
  const inBraces = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${part === undefined ? "" : `_${part}`}${inBraces} ${numberText(value)}`;
}

/** The text of these metrics, each with its help and type, in the order given. A metric without values keeps its head. */
export function formatMetrics(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${requireName(METRIC_NAME, name)} ${escapeHelp(help)}`,
    `# TYPE ${name} ${type}`,
    ...samples.map((sample) => sampleLine(name, sample)),
  ]);
  return `${lines.join("\n")}\n`;
}
