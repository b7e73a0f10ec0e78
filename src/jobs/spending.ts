import type { Config } from '../config.js';
import { MeshwrightError } from '../errors.js';
import type { Allowance, Job } from '../store/types.js';

/**
 * The caps of the configuration, asked in the transaction that writes the job's row. A free job is never refused;
 * one of unknown price is refused as soon as a cap is set, since nobody can say that it fits.
 */
export function allowanceFor(
  { maxUsdPerJob, maxUsdPerDay }: Pick<Config, 'maxUsdPerJob' | 'maxUsdPerDay'>,
  job: Job,
  now: number,
): Allowance | undefined {
  const price = job.estimateUsd;
  if (price === 0 || (maxUsdPerJob === undefined && maxUsdPerDay === undefined)) return undefined;
  return {
    since: startOfDay(now),
    check: (spent) => {
      if (price === null) {
        throw overBudget(
          `The price of ${job.tool} over ${job.provider} is not known, and a spending cap is set. Give its price in MESHWRIGHT_PRICES, or raise or remove the cap.`,
        );
      }
      if (maxUsdPerJob !== undefined && price > maxUsdPerJob) {
        throw overBudget(
          `This job costs about ${dollars(price)}, more than the ${dollars(maxUsdPerJob)} of MESHWRIGHT_MAX_USD_PER_JOB. Choose cheaper settings or another model, or ask the user to raise the cap.`,
        );
      }
      if (maxUsdPerDay !== undefined && spent + price > maxUsdPerDay) {
        throw overBudget(
          `This job costs about ${dollars(price)}; ${dollars(spent)} of the ${dollars(maxUsdPerDay)} of MESHWRIGHT_MAX_USD_PER_DAY are spent today (UTC). Wait until tomorrow, or ask the user to raise the cap.`,
        );
      }
    },
  };
}

function startOfDay(now: number): number {
  return now - (now % 86_400_000);
}

function dollars(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

function overBudget(message: string): MeshwrightError {
  return new MeshwrightError('over_budget', message);
}
