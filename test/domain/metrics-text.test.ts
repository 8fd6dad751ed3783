// The text of metrics, read back by the reader that we have for the gateway's.
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseExposition } from "../../shared/adapters/local/metrics-exposition.ts";
import { formatMetrics, type Metric } from "../../shared/domain/metrics-text.ts";

const metric = (samples: Metric["samples"], help = "Help."): Metric => ({
  name: "signalbox_things_total",
  type: "counter",
  help,
  samples,
});

test("a metric has its help and type before its values, and a metric without values keeps its head", () => {
  const summary: Metric = {
    name: "signalbox_wait_seconds",
    type: "summary",
    help: "Waiting.",
    samples: [
      { labels: {}, part: "sum", value: 1.5 },
      { labels: {}, part: "count", value: 3 },
    ],
  };
  expect(
    formatMetrics([metric([{ labels: { kind: "a", result: "" }, value: 2 }]), summary, metric([])]),
  ).toBe(
    `# HELP signalbox_things_total Help.
# TYPE signalbox_things_total counter
signalbox_things_total{kind="a",result=""} 2
# HELP signalbox_wait_seconds Waiting.
# TYPE signalbox_wait_seconds summary
signalbox_wait_seconds_sum 1.5
signalbox_wait_seconds_count 3
# HELP signalbox_things_total Help.
# TYPE signalbox_things_total counter
`,
  );
});

test("help and label values are escaped, so that nothing in them can begin a line", () => {
  const text = formatMetrics([
    metric([{ labels: { path: 'a"b\\c\nsignalbox_forged 1' }, value: 1 }], "One\nsignalbox_forged 1 \\"),
  ]);
  expect(text.split("\n")).toEqual([
    "# HELP signalbox_things_total One\\nsignalbox_forged 1 \\\\",
    "# TYPE signalbox_things_total counter",
    'signalbox_things_total{path="a\\"b\\\\c\\nsignalbox_forged 1"} 1',
    "",
  ]);
});

test("whatever the label values are, a reader finds them and the value again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.double({ noNaN: true }), (label, value) => {
      const text = formatMetrics([metric([{ labels: { label }, value }])]);
      const [sample] = parseExposition(text) ?? [];
      expect(sample?.labels).toEqual({ label });
      expect(sample?.value).toBe(value === 0 ? 0 : value);
    }),
  );
});

test.each(["\r", "\u2028", "\u2029"])(
  "a label may hold %j, which is no end of a line to the format",
  (label) => {
    expect(parseExposition(formatMetrics([metric([{ labels: { label }, value: 1 }])]))?.[0]?.labels).toEqual({
      label,
    });
  },
);

test("values without a number are written as the format says", () => {
  const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
  const text = formatMetrics([metric(values.map((value) => ({ labels: {}, value })))]);
  expect(text.match(/(?<=^signalbox_things_total )\S+$/gm)).toEqual(["+Inf", "-Inf", "NaN"]);
});

test("a name that the format does not know is a defect and is not written", () => {
  expect(() => formatMetrics([{ ...metric([]), name: "two words" }])).toThrow("no name");
  expect(() => formatMetrics([metric([{ labels: { __reserved: "x" }, value: 1 }])])).toThrow("no name");
});
