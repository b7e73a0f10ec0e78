import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPrices } from '../../../src/jobs/prices.js';
import { mutateJson } from '../mutate-json.js';
import { hold, json, type Target, unless } from '../target.js';

const file = path.join(mkdtempSync(path.join(tmpdir(), 'meshwright-fuzz-')), 'prices.json');

export const target: Target = {
  about: 'the file of prices',
  guides: ['/src/jobs/prices'],
  seeds: () => [
    json({ prices: [{ provider: 'fal', model: 'fal-ai/pixal3d', usd: 0.42 }] }),
    json({ prices: [{ provider: 'pixazo', model: 'pixal3d', usd: null }] }),
    json({ prices: [] }),
    json([]),
  ],
  mutate: mutateJson,
  tokens: ['prices', 'provider', 'model', 'usd', 'fal', 'local'],
  run: async (bytes) => {
    writeFileSync(file, bytes);
    const prices = await unless(['configuration'], () => readPrices(file));
    for (const { usd } of prices ?? []) hold(usd === null || usd >= 0, `a price of ${usd}`);
  },
};
