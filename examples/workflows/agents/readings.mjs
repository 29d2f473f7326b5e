/** The agents of `diamond_workflow`, which judge whether a sensor's measurements are usable. */
import { agent } from "taskrun/worker";
import { z } from "zod";

/** Scales the median of deviations so that it estimates a standard deviation. */
const MAD_TO_SIGMA = 1.4826;

export const read = agent({
  name: "readings_read",
  input: z.object({ csv: z.string() }),
  async run({ csv }) {
    const [, ...lines] = csv.trim().split("\n");
    const rows = lines.map((line) => {
      const [at, celsius = ""] = line.split(",");
      return { at, celsius: celsius.trim() === "" ? Number.NaN : Number(celsius) };
    });
    const readings = rows.filter(({ celsius }) => Number.isFinite(celsius));
    return { readings, broken: rows.length - readings.length };
  },
});

export const describe = agent({
  name: "readings_describe",
  input: z.unknown(),
  async run(_, ctx) {
    const { readings, broken } = await ctx.result("read_measurements");
    const values = readings.map(({ celsius }) => celsius);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return {
      count: values.length,
      broken,
      mean: rounded(mean),
      deviation: rounded(Math.sqrt(variance)),
      least: Math.min(...values),
      most: Math.max(...values),
    };
  },
});

/** Finds outliers by the median, which they do not affect, unlike the mean. */
export const outliers = agent({
  name: "readings_outliers",
  input: z.object({ config: z.object({ threshold: z.number() }) }),
  async run({ config: { threshold } }, ctx) {
    const { readings } = await ctx.result("read_measurements");
    const middle = median(readings.map(({ celsius }) => celsius));
    const spread = MAD_TO_SIGMA * median(readings.map(({ celsius }) => Math.abs(celsius - middle)));
    const far = readings.filter(({ celsius }) => Math.abs(celsius - middle) > threshold * spread);
    return { median: rounded(middle), outliers: far };
  },
});

export const judge = agent({
  name: "readings_judge",
  input: z.object({ config: z.object({ most_broken: z.number(), most_outliers: z.number() }) }),
  async run({ config: { most_broken, most_outliers } }, ctx) {
    const { count, broken, mean, deviation } = await ctx.result("describe");
    const { median: middle, outliers: far } = await ctx.result("find_outliers");
    const shares = { broken: broken / (count + broken), outliers: far.length / count };
    return {
      usable: shares.broken <= most_broken && shares.outliers <= most_outliers,
      count,
      broken,
      mean,
      median: middle,
      deviation,
      outliers: far.map(({ at }) => at),
    };
  },
});

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function rounded(value) {
  return Math.round(value * 100) / 100;
}
