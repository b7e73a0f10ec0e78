import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { Prices } from '../../src/jobs/prices.js';
import type { JsonObject } from '../../src/json.js';
import { silentLog } from '../../src/log.js';
import { lookAtJobs } from '../../src/open.js';
import { findModel, models } from '../../src/tools/models.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';

const price = (tool: string, args: JsonObject, prices = new Prices(undefined)): number | null | undefined => {
  const route = findModel(tool)?.routes[0];
  return route && prices.estimateUsd(route, args);
};

describe('the price of a job', () => {
  it.each([
    ['pixal3d', { resolution: 1024, texture_size: 1024 }, 0.3],
    ['pixal3d', { resolution: 1024, texture_size: 2048 }, 0.42],
    ['pixal3d', { resolution: 1536, texture_size: 1024 }, 0.42],
    ['reconviagen', {}, null],
    ['tripo_image_to_3d', { texture: 'no', pbr: false }, 0.2],
    ['tripo_image_to_3d', { texture: 'no', pbr: true }, 0.3],
    ['tripo_image_to_3d', { texture: 'standard', quad: true, style: 'gold' }, 0.4],
    ['tripo_image_to_3d', { texture: 'HD', quad: true }, 0.45],
    ['tripo_multiview_to_3d', { quad: true }, null],
    ['hunyuan3d_v2', { textured_mesh: false }, 0.16],
    ['hunyuan3d_v2', { textured_mesh: true }, 0.48],
    ['rodin', {}, 0.4],
    ['rodin', { addons: 'HighPack' }, 1.2],
    ['local_image_to_3d', {}, 0],
  ])('%s with %j is %s', (tool, args, usd) => {
    expect(price(tool, args)).toBe(usd);
  });
});

describe("the user's own prices", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => removeFolder(folder));

  const read = async (text: string): Promise<Prices> => {
    const file = path.join(folder, 'prices.json');
    await writeFile(file, text);
    return new Prices(file);
  };

  it('come before ours, and make an unknown price known', async () => {
    const prices = await read(
      '{"prices":[{"provider":"fal","model":"fal-ai/reconviagen-0.5","usd":0.6},{"provider":"fal","model":"fal-ai/pixal3d","usd":1}]}',
    );
    expect(price('reconviagen', {}, prices)).toBe(0.6);
    expect(price('pixal3d', { resolution: 1024, texture_size: 1024 }, prices)).toBe(1);
    expect(price('rodin', {}, prices)).toBe(0.4);
  });

  it.each([
    ['fal', 'fal-ai/pixel3d', 'fal-ai/pixal3d'],
    ['fal', 'hunyuan3d_v2_turbo', 'fal-ai/hunyuan3d/v2/turbo'],
    ['fal', 'FAL-AI/TREL', 'fal-ai/trellis'],
    ['pixazo', 'fal-ai/pixal3d', 'pixal3d'],
  ])('that name no model of %s, as %s, are told, with the nearest one', async (provider, model, meant) => {
    const good = { provider: 'scenario', model: 'model_pixal3d', usd: 1 };
    const prices = await read(JSON.stringify({ prices: [good, { provider, model, usd: 1 }] }));
    expect(prices.strangers(models())).toEqual([
      `MESHWRIGHT_PRICES has a price for "${model}" of ${provider}, which is no model here, so it is not used; the nearest is "${meant}".`,
    ]);
  });

  it('are logged when they name no model, as soon as jobs are looked at', async () => {
    const file = path.join(folder, 'prices.json');
    await writeFile(file, '{"prices":[{"provider":"fal","model":"fal-ai/triposrr","usd":1}]}');
    const warnings: string[] = [];
    const config = loadConfig({ MESHWRIGHT_DATA_DIR: folder, MESHWRIGHT_PRICES: file });
    const jobs = await lookAtJobs(config, { ...silentLog, warn: (text) => void warnings.push(text) });
    await jobs.stop();
    expect(warnings).toEqual([expect.stringContaining('the nearest is "fal-ai/triposr"')]);
  });

  it.each([
    '',
    '[]',
    '{"prices":[{"provider":"fal"}]}',
    '{"prices":[{"provider":"fal","model":"x","usd":-1}]}',
  ])('stop the start when they cannot be read: %j', async (text) => {
    await expect(read(text)).rejects.toThrow(/MESHWRIGHT_PRICES names .*looks like/);
  });
});
