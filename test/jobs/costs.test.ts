import { expect, it } from 'vitest';
import { costsOf, costsSchema, paidDays } from '../../src/jobs/costs.js';
import type { CostRow } from '../../src/store/types.js';

const row = (fields: Partial<CostRow>): CostRow => ({
  day: '2026-11-20',
  provider: 'fal',
  model: 'fal-ai/triposr',
  jobs: 1,
  free: 0,
  unknown: 0,
  estimateUsd: 0,
  billedUsd: null,
  spentUsd: 0,
  billedUnits: null,
  ...fields,
});

const ROWS = [
  row({ jobs: 3, free: 1, estimateUsd: 0.1, spentUsd: 0.1, billedUnits: 2 }),
  row({ model: 'tripo', jobs: 2, unknown: 2, estimateUsd: 0.2, spentUsd: 0.2, billedUnits: 40 }),
  row({ provider: 'local', model: 'local', free: 1, billedUsd: 0 }),
  row({ provider: 'scenario', model: 'a', unknown: 1, billedUnits: 25 }),
  row({ provider: 'scenario', model: 'b', unknown: 1, billedUnits: 5 }),
  row({
    day: '2026-11-19',
    provider: 'pixazo',
    model: 'pixal3d',
    estimateUsd: 0.5,
    billedUsd: 0.4,
    spentUsd: 0.4,
  }),
];

it('a day and provider is one line: dollars as dollars, units by what they count', () => {
  const costs = costsSchema.strict().parse(costsOf(ROWS, '2026-11-20', 5));
  expect(costs).toEqual({
    spent_today_usd: 0.3,
    max_usd_per_day: 5,
    days: [
      {
        day: '2026-11-20',
        provider: 'fal',
        jobs: 5,
        free: 1,
        unknown: 2,
        estimate_usd: 0.3,
        billed_units: [
          { units: 2, unit: 'billable units', model: 'fal-ai/triposr' },
          { units: 40, unit: 'billable units', model: 'tripo' },
        ],
      },
      { day: '2026-11-20', provider: 'local', jobs: 1, free: 1, estimate_usd: 0, billed_usd: 0 },
      {
        day: '2026-11-20',
        provider: 'scenario',
        jobs: 2,
        unknown: 2,
        estimate_usd: 0,
        billed_units: [{ units: 30, unit: 'creative units' }],
      },
      { day: '2026-11-19', provider: 'pixazo', jobs: 1, estimate_usd: 0.5, billed_usd: 0.4 },
    ],
  });
  expect(paidDays(costs).days.map(({ provider }) => provider)).toEqual(['fal', 'scenario', 'pixazo']);
});

it('nothing spent today is nothing, whatever was spent before', () => {
  expect(costsOf(ROWS, '2026-11-21', undefined).spent_today_usd).toBe(0);
  expect(costsOf([], '2026-11-21', undefined)).toEqual({ spent_today_usd: 0, days: [] });
});
