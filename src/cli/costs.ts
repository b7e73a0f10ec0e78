import type { Command } from 'commander';
import { MeshwrightError } from '../errors.js';
import type { CostDay, Costs } from '../jobs/costs.js';
import { dollars } from '../jobs/money.js';
import { LOCAL_PRINCIPAL } from '../open.js';
import { withSession } from './session.js';
import { note, print, printJson, table } from './text.js';

export interface CostOptions {
  json?: boolean;
  days?: string;
}

const DAYS = 31;
const MOST_DAYS = 3660;

/** The ledger: what was spent, by UTC day and provider. */
export async function showCosts(command: Command, { json, days }: CostOptions): Promise<number> {
  const count = readDays(days);
  return withSession(command, { carryOn: false }, async ({ jobs, principal }) => {
    const costs = await jobs.costs(principal, count);
    // What the cap of a token is, the HTTP server knows.
    if (principal !== LOCAL_PRINCIPAL) delete costs.max_usd_per_day;
    if (json) printJson(costs);
    else printCosts(costs);
    return 0;
  });
}

function readDays(text: string | undefined): number {
  const days = text === undefined ? DAYS : Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw new MeshwrightError('invalid_arguments', `--days must be a whole number from 1 to ${MOST_DAYS}.`);
}

function printCosts(costs: Costs): void {
  print(
    table<CostDay>(
      [
        { title: 'DAY (UTC)', cell: ({ day }) => day },
        { title: 'PROVIDER', cell: ({ provider }) => provider },
        { title: 'JOBS', cell: ({ jobs }) => String(jobs), align: 'right' },
        { title: 'FREE', cell: ({ free }) => String(free ?? 0), align: 'right' },
        { title: 'ESTIMATE', cell: (day) => dollars(day.estimate_usd), align: 'right' },
        { title: 'BILLED', cell: (day) => billedText(day) },
        { title: 'UNKNOWN', cell: ({ unknown }) => String(unknown ?? 0), align: 'right' },
      ],
      costs.days,
    ),
  );
  const { spent_today_usd: spent, max_usd_per_day: most } = costs;
  const limit = most === undefined ? '' : ` of the ${dollars(most)} that MESHWRIGHT_MAX_USD_PER_DAY allows`;
  note(`${dollars(spent)}${limit} is spent or held today (UTC).`);
  const unknown = costs.days.reduce((sum, day) => sum + (day.unknown ?? 0), 0);
  if (unknown > 0) {
    const these = unknown === 1 ? 'One job is' : `${unknown} jobs are`;
    note(`${these} in no sum of dollars, for want of a price; MESHWRIGHT_PRICES can name it.`);
  }
}

/** Dollars and the provider's units side by side; `not told` where the provider says nothing. */
function billedText({ jobs, free = 0, billed_usd: usd, billed_units: units = [] }: CostDay): string {
  const told = [
    ...(usd === undefined ? [] : [dollars(usd)]),
    ...units.map(({ units: count, unit, model }) => `${count} ${unit}${model ? ` of ${model}` : ''}`),
  ];
  if (told.length > 0) return told.join(', ');
  return jobs > free ? 'not told' : '';
}
