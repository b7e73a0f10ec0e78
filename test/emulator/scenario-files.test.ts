import { describe, expect, it } from 'vitest';
import { fixtureOf } from './common/fixtures/named.js';
import { urlExpiry } from './scenario/calendar.js';
import { auth, call, emulator, finishedModel, image, read } from './scenario-support.js';

describe('the URL of an asset', () => {
  const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

  it('is signed: any change of its query is refused, with an XML page', async () => {
    const scenario = await emulator();
    const { url } = await read(scenario, await finishedModel(scenario));
    const other = await read(scenario, await image(scenario));
    expect(await statusOf(url)).toBe(200);
    const forged = [
      `${url}&download=1`,
      url.replace('?', '?a=b&'),
      url.replace(/Key-Pair-Id=\w+/, 'Key-Pair-Id=K'),
      url.replace(/\?.*/, ''),
      url.replace(new URL(url).pathname, new URL(other.url).pathname),
    ];
    expect(await Promise.all(forged.map(statusOf))).toEqual([403, 403, 403, 403, 403]);
    const answer = await fetch(`${url}x`);
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual([
      'application/xml',
      expect.stringContaining('AccessDenied'),
    ]);
  });

  it.each([
    ['2026-03-01', '2026-03-14'],
    ['2026-03-07', '2026-03-14'],
    ['2026-03-08', '2026-03-21'],
    ['2026-03-14', '2026-03-21'],
    ['2026-03-15', '2026-03-31'],
    ['2026-02-21', '2026-02-28'],
    ['2026-03-22', '2026-04-07'],
    ['2026-12-31', '2027-01-07'],
  ])('that is made on %s ends with %s', (made, last) => {
    expect(urlExpiry(Date.parse(`${made}T12:00:00Z`))).toBe(Date.parse(`${last}T00:00:00Z`) + 86_400_000);
  });

  it('expires by the calendar, and a new read gives another', async () => {
    const scenario = await emulator({ startTime: Date.UTC(2026, 2, 7) });
    const id = await finishedModel(scenario);
    const { url } = await read(scenario, id);
    scenario.clock.advance(Date.UTC(2026, 2, 14, 23, 59, 59) - scenario.clock.now());
    expect(await statusOf(url)).toBe(200);
    scenario.clock.advance(1000);
    expect(await statusOf(url)).toBe(403);
    const again = await read(scenario, id);
    expect(again.url).not.toBe(url);
    expect(await statusOf(again.url)).toBe(200);
  });

  it('is dead when it is handed out, once', async () => {
    const scenario = await emulator();
    const id = await finishedModel(scenario);
    scenario.fault({ match: { op: 'asset' }, action: { type: 'asset', urlLifeMs: 0 } });
    expect(await statusOf((await read(scenario, id)).url)).toBe(403);
    expect(await statusOf((await read(scenario, id)).url)).toBe(200);
  });

  it('may live as long as a test wants', async () => {
    const scenario = await emulator({ urlLifeMs: 5000 });
    const { url } = await read(scenario, await finishedModel(scenario));
    scenario.clock.advance(4000);
    expect(await statusOf(url)).toBe(200);
    scenario.clock.advance(1000);
    expect(await statusOf(url)).toBe(403);
  });

  it('breaks midway, and goes on from there', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'download' }, action: { type: 'reset-at', byte: 1000 } });
    const { url } = await read(scenario, await finishedModel(scenario));
    await expect(fetch(url).then((answer) => answer.arrayBuffer())).rejects.toThrow('terminated');
    const rest = await fetch(url, { headers: { range: 'bytes=1000-' } });
    expect([rest.status, (await rest.arrayBuffer()).byteLength]).toEqual([
      206,
      fixtureOf('glb-pbr').length - 1000,
    ]);
  });

  it('is redirected to the same file of another origin', async () => {
    const scenario = await emulator();
    const { url } = await read(scenario, await finishedModel(scenario));
    scenario.fault({ match: { role: 'cdn' }, action: { type: 'redirect', to: 'mirror' } });
    const answer = await fetch(url);
    expect([answer.status, new URL(answer.url).origin]).toEqual([200, scenario.urls.mirror]);
  });

  it('names the public host', async () => {
    const scenario = await emulator({ hosts: 'public' });
    const { url } = await read(scenario, await finishedModel(scenario));
    expect(url).toMatch(
      /^https:\/\/cdn\.cloud\.scenario\.com\/assets\/asset_\w+\?.*Policy=.*Key-Pair-Id=.*Signature=/,
    );
  });

  it('notes a key', async () => {
    const scenario = await emulator();
    await fetch((await read(scenario, await finishedModel(scenario))).url, { headers: auth });
    expect(scenario.journal.entries({ role: 'cdn' })[0]?.warnings).toEqual([
      'credentials sent to another origin',
    ]);
  });
});

describe('the read of an asset', () => {
  it('shows the original file on demand', async () => {
    const scenario = await emulator();
    const id = await finishedModel(scenario);
    expect(await read(scenario, id)).not.toHaveProperty('originalFileUrl');
    expect(await (await call(scenario, `/assets/${id}?originalAssets=true`)).json()).toMatchObject({
      asset: { originalFileUrl: expect.any(String) },
    });
  });

  it('can be of many at once', async () => {
    const scenario = await emulator();
    const ids = [await finishedModel(scenario), 'asset_none', await image(scenario)];
    const answer = await call(scenario, '/assets/get-bulk', { assetIds: ids });
    expect(await answer.json()).toMatchObject({ assets: [{ id: ids[0] }, { id: ids[2] }] });
    const many = Array.from({ length: 201 }, () => 'asset_none');
    expect((await call(scenario, '/assets/get-bulk', { assetIds: many })).status).toBe(400);
  });

  it('comes out otherwise than it should', async () => {
    const scenario = await emulator();
    const id = await finishedModel(scenario);
    scenario.fault({
      match: { op: 'asset' },
      action: { type: 'asset', body: { mimeType: 'image/png' }, omit: ['kind'] },
    });
    const asset = await read(scenario, id);
    expect([asset['mimeType'], asset['kind']]).toEqual(['image/png', undefined]);
  });

  it('finds nothing', async () => {
    expect((await call(await emulator(), '/assets/asset_none')).status).toBe(404);
  });
});
