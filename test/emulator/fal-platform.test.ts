import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ENDPOINTS } from './fal/endpoints.js';
import { auth, emulator, finish, get, IMAGE, read, submit } from './support.js';

describe('the platform', () => {
  it('tells prices per unit, which is not always a generation', async () => {
    const fal = await emulator();
    const ids = 'fal-ai/trellis,tripo3d/tripo/v2.5/multiview-to-3d';
    expect(await read(`${fal.urls.api}/v1/models/pricing?endpoint_id=${ids}`)).toEqual({
      prices: [
        { endpoint_id: 'fal-ai/trellis', unit_price: 0.02, unit: 'generations', currency: 'USD' },
        {
          endpoint_id: 'tripo3d/tripo/v2.5/multiview-to-3d',
          unit_price: 0.01,
          unit: 'credits',
          currency: 'USD',
        },
      ],
      next_cursor: null,
      has_more: false,
    });
  });

  it('knows no price of an unknown endpoint, and tells none without a key', async () => {
    const fal = await emulator();
    const url = `${fal.urls.api}/v1/models/pricing?endpoint_id=`;
    expect((await get(`${url}fal-ai/unknown`)).status).toBe(404);
    expect((await get(`${url}fal-ai/trellis`, {})).status).toBe(401);
  });

  it('estimates', async () => {
    const fal = await emulator();
    const estimate = await fetch(`${fal.urls.api}/v1/models/pricing/estimate`, {
      method: 'POST',
      headers: auth,
      body: JSON.stringify({
        estimate_type: 'unit_price',
        endpoints: { 'fal-ai/hyper3d/rodin': { unit_quantity: 3 }, 'fal-ai/triposr': { unit_quantity: 1 } },
      }),
    });
    expect(await estimate.json()).toMatchObject({ total_cost: 1.27, currency: 'USD' });
  });

  it('lists the models page by page, with their schemas on demand', async () => {
    const fal = await emulator({ delisted: ['fal-ai/hunyuan3d-v21'] });
    const page = z.object({
      models: z.array(z.object({ endpoint_id: z.string(), openapi: z.unknown().optional() })),
      next_cursor: z.string().nullable(),
    });
    const seen: string[] = [];
    for (let cursor: string | null = '0'; cursor !== null;) {
      const { models, next_cursor } = page.parse(await read(`${fal.urls.api}/v1/models?cursor=${cursor}`));
      seen.push(...models.map((model) => model.endpoint_id));
      cursor = next_cursor;
    }
    expect(seen).toEqual([...ENDPOINTS.keys()].filter((id) => id !== 'fal-ai/hunyuan3d-v21'));
    const one = `${fal.urls.api}/v1/models?endpoint_id=fal-ai/pixal3d&expand=openapi-3.0`;
    expect(page.parse(await read(one)).models).toMatchObject([
      {
        openapi: {
          components: {
            schemas: {
              Input: {
                required: ['image_url'],
                properties: {
                  texture_size: { type: 'integer', enum: [1024, 2048, 4096], default: 2048 },
                  mesh_scale: { type: 'number', minimum: 0.1, maximum: 4, default: 1 },
                },
              },
            },
          },
        },
      },
    ]);
  });

  it('tells which requests were accepted, also those whose reply was lost', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'reset', accept: true } });
    await expect(submit(fal)).rejects.toThrow('fetch failed');
    const url = `${fal.urls.api}/v1/models/requests/by-endpoint?endpoint_id=fal-ai/pixal3d`;
    expect(await read(url)).toMatchObject({
      items: [{ request_id: fal.jobs.all()[0]?.id, status_code: null }],
    });
    finish(fal);
    expect(await read(url)).toMatchObject({ items: [{ status_code: 200 }] });
  });

  it('sums up what was billed', async () => {
    const fal = await emulator();
    await submit(fal, 'fal-ai/hunyuan3d/v2', { input_image_url: IMAGE, textured_mesh: true });
    await submit(fal, 'fal-ai/hunyuan3d/v2', { input_image_url: IMAGE });
    finish(fal);
    expect(await read(`${fal.urls.api}/v1/models/usage?endpoint_id=fal-ai/hunyuan3d/v2`)).toMatchObject({
      summary: [{ endpoint_id: 'fal-ai/hunyuan3d/v2', quantity: 4, cost: 0.64 }],
    });
    expect(await read(`${fal.urls.api}/v1/meta`)).toHaveProperty('webhook_ip_ranges');
  });
});

describe('the control plane', () => {
  const send = async (url: string, method: string, body?: unknown): Promise<unknown> =>
    (await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json();

  it('lets another process place faults, move time and read what happened', async () => {
    const fal = await emulator();
    const { control } = fal.urls;
    await send(`${control}/faults`, 'POST', {
      match: { op: 'submit' },
      action: { type: 'job', queueMs: 0, runMs: 1000 },
    });
    const job = await submit(fal);
    const before = await send(`${control}/clock`, 'GET');
    expect(await send(`${control}/clock/advance`, 'POST', { ms: 1000 })).not.toEqual(before);
    expect(await read(job.status_url)).toMatchObject({ status: 'COMPLETED' });
    expect(await send(`${control}/ledger`, 'GET')).toMatchObject({ accepted: 1, usd: 0.42 });
    expect(await send(`${control}/jobs`, 'GET')).toMatchObject([
      { request_id: job.request_id, outcome: 'succeeded', done_ns: expect.stringMatching(/^\d+$/) },
    ]);
    expect(await send(`${control}/journal?op=submit`, 'GET')).toMatchObject([
      { role: 'queue', endpoint: 'fal-ai/pixal3d', faults: ['job'], outcome: 'answered', status: 200 },
    ]);
    expect(await send(`${control}/counts`, 'GET')).toMatchObject({
      requests: { 'queue submit': 1, 'queue status': 1 },
    });
  });

  it('switches settings, closes ports and resets', async () => {
    const fal = await emulator();
    const { control, queue } = fal.urls;
    expect(await send(`${control}/urls`, 'GET')).toEqual(fal.urls);
    await send(`${control}/settings`, 'POST', { urlMode: 'nested' });
    expect((await submit(fal, 'fal-ai/trellis/multi', { image_urls: [IMAGE] })).status_url).toContain(
      '/trellis/multi/',
    );
    await send(`${control}/down`, 'POST', { role: 'queue' });
    await expect(fetch(queue)).rejects.toThrow('fetch failed');
    await send(`${control}/up`, 'POST', { role: 'queue' });
    const job = await submit(fal);
    await send(`${control}/jobs/complete`, 'POST', { id: job.request_id });
    expect((await get(job.response_url)).status).toBe(200);
    await submit(fal);
    await send(`${control}/reset`, 'POST');
    expect(fal.ledger.accepted).toBe(0);
    const fresh = await submit(fal);
    fal.clock.advance(4000);
    expect(await read(fresh.status_url)).toMatchObject({ status: 'IN_PROGRESS' });
    expect((await get(job.status_url)).status).toBe(404);
  });

  it('says what is wrong with an order', async () => {
    const fal = await emulator();
    const { control } = fal.urls;
    const refused = await fetch(`${control}/faults`, {
      method: 'POST',
      body: '{"action":{"type":"explode"}}',
    });
    expect(refused.status).toBe(400);
    expect(fal.faults.list()).toEqual([]);
    expect(await send(`${control}/nothing`, 'GET')).toMatchObject({
      error: 'No control route GET /nothing.',
    });
  });
});
