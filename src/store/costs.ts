import { isProviderId } from '../config.js';
import type { Sqlite, SqlRow } from './sqlite.js';
import type { CostRow, TallyRow } from './types.js';
import { isJobState } from './rows.js';

/** Sums over what jobs cost. A job counts for the day on which it was begun. */

/** US dollars: billed, or else estimated, unless it is known that nothing was charged. */
export function spentUsd(db: Sqlite, principal: string, since: number): number {
  const row = db.get(
    `select sum(coalesce(billed_usd, estimate_usd)) as usd from jobs
     where principal = ? and created_at >= ? and not free`,
    principal,
    since,
  );
  return Number(row?.['usd'] ?? 0);
}

export function costRows(db: Sqlite, principal: string, since: number): CostRow[] {
  const rows = db.all(
    `select date(created_at / 1000, 'unixepoch') as day, provider, coalesce(model, '') as model, count(*) as jobs,
            count(*) filter (where free or coalesce(billed_usd, estimate_usd) = 0) as free,
            count(*) filter (where not free and billed_usd is null and estimate_usd is null) as unknown,
            total(estimate_usd) filter (where not free) as estimate_usd,
            sum(billed_usd) filter (where not free) as billed_usd,
            total(coalesce(billed_usd, estimate_usd)) filter (where not free) as spent_usd,
            sum(billed_units) filter (where not free) as billed_units
     from jobs where principal = ? and created_at >= ?
     group by 1, 2, 3 order by 1 desc, 2, 3`,
    principal,
    since,
  );
  return rows.flatMap(costRowOf);
}

function costRowOf(row: SqlRow): CostRow[] {
  const { day, provider, model, jobs, free, unknown, estimate_usd, billed_usd, spent_usd, billed_units } =
    row;
  if (!isProviderId(provider)) return [];
  return [
    {
      day: String(day),
      provider,
      model: String(model),
      jobs: Number(jobs),
      free: Number(free),
      unknown: Number(unknown),
      estimateUsd: Number(estimate_usd),
      billedUsd: billed_usd === null ? null : Number(billed_usd),
      spentUsd: Number(spent_usd),
      billedUnits: billed_units === null ? null : Number(billed_units),
    },
  ];
}

export function tallyRows(db: Sqlite, since: number): TallyRow[] {
  const rows = db.all(
    `select state, provider, count(*) as jobs,
            total(coalesce(billed_usd, estimate_usd)) filter (where not free and created_at >= ?) as spent_usd
     from jobs group by state, provider`,
    since,
  );
  return rows.flatMap(({ state, provider, jobs, spent_usd: spent }) =>
    isJobState(state) && isProviderId(provider)
      ? [{ state, provider, jobs: Number(jobs), spentUsd: Number(spent) }]
      : [],
  );
}
