import { parseArguments } from '../../../src/jobs/arguments.js';
import { canonicalJson, isJsonObject, isRecord, type JsonObject, toJson } from '../../../src/json.js';
import { imageFields } from '../../../src/jobs/model.js';
import { Prices } from '../../../src/jobs/prices.js';
import { tools } from '../../../src/tools/index.js';
import { findModel, models } from '../../../src/tools/models.js';
import { mutateJson } from '../mutate-json.js';
import { hold, json, readable, type Target, toJsonValue, unless } from '../target.js';

const prices = new Prices(undefined);

export const target: Target = {
  about: 'the arguments of every tool, and what becomes of them at every provider',
  guides: ['/src/jobs/arguments', '/src/tools/', '/src/jobs/prices', '/src/json', '/src/jobs/model'],
  seeds: () => [
    ...models().map(({ tool, input }) => {
      const args = Object.fromEntries(Object.keys(input.shape).map((name) => [name, /image|url/.test(name) ? 'https://example.com/a.png' : '1'])); // prettier-ignore
      return json({ tool, arguments: args });
    }),
    ...tools().map(({ name, input }) =>
      json({ tool: name, arguments: Object.fromEntries(Object.keys(input.shape).map((key) => [key, 'x'])) }),
    ),
    json({
      tool: 'pixal3d',
      arguments: { image_url: 'https://example.com/a.png', resolution: '1536', seed: 7, remesh: 'TRUE' },
    }),
    json({
      tool: 'rodin',
      arguments: { prompt: 'a chair', input_image_urls: '["https://example.com/a.png"]', addons: 'HighPack' },
    }),
    json({
      tool: 'view_asset',
      arguments: { asset_id: 'asset_0', views: '["front","back"]', style: 'textured', size: '512' },
    }),
    json({ tool: 'list_jobs', arguments: { status: null, limit: '5' } }),
    json({ tool: 'get_job', arguments: [] }),
    json({ tool: 'get_job' }),
  ],
  mutate: mutateJson,
  tokens: ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '1024', '"1024"', 'true', 'null', '[]', '["a"]', 'auto', 'fal', 'wait_seconds', 'force_new', 'provider', '1e999', 'Infinity', '-0'], // prettier-ignore
  run: async (bytes) => {
    const call = toJsonValue(bytes);
    if (!isRecord(call)) return;
    const tool = tools().find(({ name }) => name === call['tool']);
    if (!tool) return;
    const parsed = await unless(['invalid_arguments'], () =>
      parseArguments(tool.input, call['arguments'], tool.name),
    );
    const args = toJson(parsed ?? null);
    if (isJsonObject(args)) passOn(tool.name, args, call['arguments']);
  },
};

/** As a call goes on: the rules between fields, then every route's request, price and refusal. */
function passOn(
  name: string,
  { wait_seconds: _wait, force_new: _force, ...args }: JsonObject,
  given: unknown,
): void {
  const model = findModel(name);
  if (!model) return;
  const broken = model.check?.(args, new Set(isRecord(given) ? Object.keys(given) : []));
  if (broken) return readable(broken.message);
  const fields = imageFields(model);
  const plain = Object.fromEntries(Object.entries(args).filter(([field]) => !fields.includes(field)));
  const images = Object.fromEntries(
    Object.entries(args).flatMap(([field, value]) =>
      fields.includes(field)
        ? [
            [
              field,
              Array.isArray(value)
                ? value.map(() => 'https://example.com/i.png')
                : 'https://example.com/i.png',
            ],
          ]
        : [],
    ),
  );
  canonicalJson(plain);
  for (const route of model.routes) {
    const refusal = route.refuses?.(plain);
    if (refusal !== undefined) readable(refusal);
    const usd = prices.estimateUsd(route, plain);
    hold(usd === null || (Number.isFinite(usd) && usd >= 0), `a price of ${usd}`);
    hold(isJsonObject(toJson(route.request(plain, images))), 'a request is no JSON object');
  }
}
