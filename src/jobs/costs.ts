import * as z from 'zod';
import type { CostRow, ProviderId } from '../store/types.js';
import { withoutDust } from './money.js';
import { compact } from './view.js';

/**
 * The ledger: what was spent, by UTC day and provider. Dollars and the units of a provider are never added up: they
 * stand beside each other.
 */

/** In what a provider counts that tells no dollars, and whether all its models count in the same. */
const UNITS: { readonly [provider in ProviderId]?: { unit: string; shared: boolean } } = {
  // What fal counts differs from model to model: generations, credits, megapixels.
  fal: { unit: 'billable units', shared: false },
  scenario: { unit: 'creative units', shared: true },
};

const unitsSchema = z.object({ units: z.number(), unit: z.string(), model: z.string().optional() });

const daySchema = z.object({
  /** UTC, `2026-11-20`. */
  day: z.string(),
  provider: z.string(),
  jobs: z.int(),
  /** Jobs that are known to have cost nothing; what follows is of the others. */
  free: z.int().optional(),
  estimate_usd: z.number(),
  billed_usd: z.number().optional(),
  billed_units: z.array(unitsSchema).optional(),
  /** Jobs whose price in dollars nobody knows: they are in no sum. */
  unknown: z.int().optional(),
});

export const costsSchema = z.object({
  /** Billed, or else estimated, of all jobs of this UTC day that may have cost something. */
  spent_today_usd: z.number(),
  max_usd_per_day: z.number().optional(),
  days: z.array(daySchema),
});

export type Costs = z.infer<typeof costsSchema>;
export type CostDay = z.infer<typeof daySchema>;

/**
 * @param rows newest day first
 * @param today UTC, `2026-11-20`
 */
export function costsOf(rows: readonly CostRow[], today: string, maxUsdPerDay: number | undefined): Costs {
  const spent = rows.filter(({ day }) => day === today).reduce((sum, { spentUsd }) => sum + spentUsd, 0);
  const groups = new Map<string, CostRow[]>();
  for (const row of rows) {
    const key = `${row.day} ${row.provider}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return compact({
    spent_today_usd: withoutDust(spent),
    max_usd_per_day: maxUsdPerDay,
    days: [...groups.values()].map(dayOf),
  });
}

/** Only the days and providers where something may have been paid. */
export function paidDays(costs: Costs): Costs {
  return { ...costs, days: costs.days.filter(({ jobs, free = 0 }) => jobs > free) };
}

function dayOf(rows: readonly CostRow[]): CostDay {
  const total = (of: (row: CostRow) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  const billed = rows.flatMap(({ billedUsd }) => (billedUsd === null ? [] : [billedUsd]));
  const units = unitsOf(rows);
  const [first] = rows;
  return compact({
    day: first?.day ?? '',
    provider: first?.provider ?? '',
    jobs: total(({ jobs }) => jobs),
    free: total(({ free }) => free) || undefined,
    estimate_usd: withoutDust(total(({ estimateUsd }) => estimateUsd)),
    billed_usd: billed.length > 0 ? withoutDust(billed.reduce((sum, usd) => sum + usd, 0)) : undefined,
    billed_units: units.length > 0 ? units : undefined,
    unknown: total(({ unknown }) => unknown) || undefined,
  });
}

function unitsOf(rows: readonly CostRow[]): z.infer<typeof unitsSchema>[] {
  const sums = new Map<string, z.infer<typeof unitsSchema>>();
  for (const { provider, model, billedUnits } of rows) {
    if (billedUnits === null) continue;
    const { unit, shared } = UNITS[provider] ?? { unit: 'units', shared: false };
    const key = shared ? '' : model;
    const units = withoutDust((sums.get(key)?.units ?? 0) + billedUnits);
    sums.set(key, { units, unit, ...(shared ? {} : { model }) });
  }
  return [...sums.values()];
}
