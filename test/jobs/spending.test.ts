import { describe, expect, it } from 'vitest';
import { dollars, isMore } from '../../src/jobs/money.js';
import {
  allowanceFor,
  type Caps,
  ceilingFor,
  isAffordable,
  isWithin,
  needsConsent,
  startOfDay,
} from '../../src/jobs/spending.js';
import { aJob } from '../store/support/rows.js';

const NOON = Date.UTC(2026, 10, 20, 12);

/** What a job of this price is told when so much was spent before it today; `undefined` when it is let through. */
function refusal(caps: Caps, price: number | null, spent: number): string | undefined {
  const allowance = allowanceFor(caps, aJob({ estimateUsd: price }), NOON);
  try {
    allowance?.check(spent);
  } catch (error) {
    expect(error).toMatchObject({ code: 'over_budget', charged: 'no', retryable: false });
    return error instanceof Error ? error.message : '';
  }
  return undefined;
}

describe('a cap', () => {
  it('names what the job costs, what was spent today, what is allowed and what to do', () => {
    const perJob = refusal({ maxUsdPerJob: 0.35 }, 0.42, 1.5) ?? '';
    expect(perJob).toMatch(/^Nothing was sent\. trellis over fal costs about \$0\.42, more than the \$0\.35/);
    expect(perJob).toMatch(
      /MESHWRIGHT_MAX_USD_PER_JOB.*\$1\.50 is spent or held today \(UTC\).*raise the cap/,
    );
    const perDay = refusal({ maxUsdPerDay: 1 }, 0.42, 0.84) ?? '';
    expect(perDay).toMatch(/\$0\.42.*\$0\.84 is spent or held.*leaves \$0\.16 of the \$1\.00/);
    expect(perDay).toMatch(/MESHWRIGHT_MAX_USD_PER_DAY.*wait until 00:00 UTC, or ask the user/);
    const unknown = refusal({ maxUsdPerJob: 2, maxUsdPerDay: 5 }, null, 0.016) ?? '';
    expect(unknown).toMatch(
      /not known.*over the spending cap.*JOB is \$2\.00 and .*DAY is \$5\.00, \$0\.016/,
    );
    expect(unknown).toMatch(/MESHWRIGHT_PRICES/);
  });

  it('lets through what exactly fills it, whatever binary fractions make of the sum', () => {
    for (let n = 1; n <= 40; n++) {
      const spent = Array.from({ length: n - 1 }, () => 0.07).reduce((sum, usd) => sum + usd, 0);
      expect(refusal({ maxUsdPerDay: Math.round(n * 7) / 100 }, 0.07, spent)).toBeUndefined();
      expect(refusal({ maxUsdPerDay: Math.round(n * 7) / 100 }, 0.0701, spent)).toBeDefined();
    }
    expect(isMore(0.1 + 0.2, 0.3)).toBe(false);
  });

  it('of nothing refuses all but free jobs', () => {
    expect(refusal({ maxUsdPerDay: 0 }, 0.0001, 0)).toBeDefined();
    expect(refusal({ maxUsdPerJob: 0 }, 0.0001, 0)).toBeDefined();
    expect(refusal({ maxUsdPerDay: 0, maxUsdPerJob: 0 }, 0, 9)).toBeUndefined();
  });

  it('that is not set refuses nothing', () => {
    expect(refusal({}, 1000, 1000)).toBeUndefined();
    expect(refusal({}, null, 1000)).toBeUndefined();
  });

  it('of a day counts from midnight UTC', () => {
    const since = (at: number): number | undefined =>
      allowanceFor({ maxUsdPerDay: 1 }, aJob({ estimateUsd: 1 }), at)?.since;
    const midnight = Date.UTC(2026, 10, 20);
    expect(since(midnight)).toBe(midnight);
    expect(since(midnight - 1)).toBe(Date.UTC(2026, 10, 19));
    expect(since(midnight + 86_399_999)).toBe(midnight);
    expect(startOfDay(NOON)).toBe(midnight);
  });
});

describe('a fallback', () => {
  it('may cost as much as was admitted, never more and nothing unknown, once a cap is set', () => {
    const ceiling = ceilingFor({ caps: { maxUsdPerDay: 5 }, price: 0.42 });
    expect([0, 0.42, 0.4201, 2, null].map((price) => isWithin(ceiling, price))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    const uncapped = ceilingFor({ caps: {}, price: 0.42 });
    expect(isWithin(uncapped, null) && isWithin(uncapped, 99)).toBe(true);
  });

  it('and a first route are chosen among those that the caps can ever allow', () => {
    const caps = { maxUsdPerJob: 2, maxUsdPerDay: 0.5 };
    expect([0, 0.5, 0.51, null].map((price) => isAffordable(caps, price))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(isAffordable({}, null)).toBe(true);
  });
});

describe('the user', () => {
  it('is asked above the price that was set, or a dollar, and never for what is free', () => {
    const asks = (askUsd: number | undefined): boolean[] =>
      [0, 0.01, 1, 1.01, 500, null].map((price) => needsConsent(askUsd, price));
    expect(asks(undefined)).toEqual([false, false, false, true, true, false]);
    expect(asks(1)).toEqual([false, false, false, true, true, true]);
    expect(asks(0)).toEqual([false, true, true, true, true, true]);
    expect(asks(Infinity)).toEqual([false, false, false, false, false, false]);
  });

  it('is not led past the answer by a fallback', () => {
    const within = (price: number | null, askUsd: number | undefined): (number | null)[] => {
      const ceiling = ceilingFor({ caps: {}, price, askUsd, asked: true });
      return [0.5, 1, 1.2, 1.3, null].filter((other) => isWithin(ceiling, other));
    };
    // Agreed to 1.20: no more than that, and what needs no asking.
    expect(within(1.2, undefined)).toEqual([0.5, 1, 1.2, null]);
    expect(within(1.2, 1)).toEqual([0.5, 1, 1.2]);
    // Not asked for 0.40: no fallback that would have to be asked for.
    expect(within(0.4, undefined)).toEqual([0.5, 1, null]);
    expect(within(0.4, 0.5)).toEqual([0.5]);
    expect(within(null, 0.5)).toEqual([0.5]);
    expect(within(0.4, Infinity)).toEqual([0.5, 1, 1.2, 1.3, null]);
  });
});

it('small sums keep their places, large ones are readable', () => {
  expect([0.016, 0.42, 1.2, 1234.5, 0].map(dollars)).toEqual([
    '$0.016',
    '$0.42',
    '$1.20',
    '$1,234.50',
    '$0.00',
  ]);
});
