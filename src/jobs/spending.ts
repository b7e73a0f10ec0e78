import type { Config } from '../config.js';
import { MeshwrightError } from '../errors.js';
import type { Allowance, Ceiling, Job } from '../store/types.js';
import { dollars, isMore } from './money.js';

/** What a caller may spend, in US dollars; an absent cap allows anything. */
export interface Caps {
  maxUsdPerJob?: number | undefined;
  maxUsdPerDay?: number | undefined;
  /** Where the caps are set, for whoever may raise them; absent: in the environment. */
  names?: CapNames | undefined;
}

interface CapNames {
  perJob: string;
  perDay: string;
}

const SETTINGS: CapNames = { perJob: 'MESHWRIGHT_MAX_USD_PER_JOB', perDay: 'MESHWRIGHT_MAX_USD_PER_DAY' };

/**
 * The caps of a principal: its token's own, or the server's.
 *
 * @param own the principal's settings
 * @param server the settings that hold for all
 */
export function capsOf(
  own: Pick<Config, 'maxUsdPerJob' | 'maxUsdPerDay'>,
  server: Pick<Config, 'maxUsdPerJob' | 'maxUsdPerDay'>,
): Caps {
  const { maxUsdPerJob, maxUsdPerDay } = own;
  return {
    maxUsdPerJob,
    maxUsdPerDay,
    names: {
      perJob: maxUsdPerJob === server.maxUsdPerJob ? SETTINGS.perJob : "the token's max_usd_per_job",
      perDay: maxUsdPerDay === server.maxUsdPerDay ? SETTINGS.perDay : "the token's max_usd_per_day",
    },
  };
}

export const DAY_MS = 86_400_000;

/** The beginning of a day in UTC, in milliseconds since 1970. */
export function startOfDay(now: number): number {
  return now - (now % DAY_MS);
}

export function isCapped({ maxUsdPerJob, maxUsdPerDay }: Caps): boolean {
  return maxUsdPerJob !== undefined || maxUsdPerDay !== undefined;
}

/** Whether a job of this price may be bought at all, whatever was spent before; `null` is unknown. */
export function isAffordable(caps: Caps, price: number | null): boolean {
  if (price === 0 || !isCapped(caps)) return true;
  const most = Math.min(caps.maxUsdPerJob ?? Infinity, caps.maxUsdPerDay ?? Infinity);
  return price !== null && !isMore(price, most);
}

/**
 * The caps, asked in the transaction that writes the job's row. A free job is never refused; one of unknown price
 * is refused as soon as a cap is set, since nobody can say that it fits.
 *
 * @param now milliseconds since 1970
 */
export function allowanceFor(caps: Caps, job: Job, now: number): Allowance | undefined {
  if (job.estimateUsd === 0 || !isCapped(caps)) return undefined;
  return { since: startOfDay(now), check: (spent) => refuseOver(caps, job, spent) };
}

/** Where nothing is set: dearer jobs ask the user, and those of unknown price do not. */
export const ASK_USD = 1;

/**
 * Whether the user has to agree to this price first; `null` is unknown. Who sets a limit wants to know of every job
 * that may be above it, so one of unknown price asks then; no job asks above an infinite limit.
 *
 * @param askUsd in US dollars; `undefined` when it was not set
 */
export function needsConsent(askUsd: number | undefined, price: number | null): boolean {
  if (price === null) return askUsd !== undefined && askUsd !== Infinity;
  return isMore(price, askUsd ?? ASK_USD);
}

/**
 * What a fallback may cost of a job that was admitted at this price: under a cap no more than that; where the user
 * can be asked, no more than what was agreed to or needs no asking.
 *
 * @param asked whether the user would have been asked
 */
export function ceilingFor({
  caps,
  price,
  askUsd,
  asked = false,
}: {
  caps: Caps;
  price: number | null;
  askUsd?: number | undefined;
  asked?: boolean;
}): Ceiling | undefined {
  if (isCapped(caps)) return { usd: price ?? 0, unknown: false };
  if (!asked || askUsd === Infinity) return undefined;
  return { usd: Math.max(price ?? 0, askUsd ?? ASK_USD), unknown: !needsConsent(askUsd, null) };
}

/** Whether a price in US dollars keeps within what was agreed to; `null` is unknown. */
export function isWithin(ceiling: Ceiling | undefined, price: number | null): boolean {
  if (!ceiling) return true;
  return price === null ? ceiling.unknown : !isMore(price, ceiling.usd);
}

function refuseOver(
  { maxUsdPerJob, maxUsdPerDay, names = SETTINGS }: Caps,
  { tool, provider, estimateUsd: price }: Job,
  spent: number,
): void {
  const today = `${dollars(spent)} is spent or held today (UTC)`;
  if (price === null) {
    const caps = [
      ...(maxUsdPerJob === undefined ? [] : [`${names.perJob} is ${dollars(maxUsdPerJob)}`]),
      ...(maxUsdPerDay === undefined ? [] : [`${names.perDay} is ${dollars(maxUsdPerDay)}`]),
    ].join(' and ');
    throw overBudget(
      `The price of ${tool} over ${provider} is not known, so it counts as over the spending cap: ${caps}, ${today}. Use a model whose price is known, or ask the user to give its price in MESHWRIGHT_PRICES or to remove the cap.`,
    );
  }
  const costs = `${tool} over ${provider} costs about ${dollars(price)}`;
  if (maxUsdPerJob !== undefined && isMore(price, maxUsdPerJob)) {
    throw overBudget(
      `${costs}, more than the ${dollars(maxUsdPerJob)} that ${names.perJob} allows for one job; ${today}. Choose cheaper settings or another model, or ask the user to raise the cap.`,
    );
  }
  if (maxUsdPerDay !== undefined && isMore(spent + price, maxUsdPerDay)) {
    const left = Math.max(0, maxUsdPerDay - spent);
    throw overBudget(
      `${costs}, and ${today}, which leaves ${dollars(left)} of the ${dollars(maxUsdPerDay)} that ${names.perDay} allows. Choose something cheaper, wait until 00:00 UTC, or ask the user to raise the cap.`,
    );
  }
}

function overBudget(message: string): MeshwrightError {
  return new MeshwrightError('over_budget', `Nothing was sent. ${message}`);
}
