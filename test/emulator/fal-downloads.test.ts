import { describe, expect, it } from 'vitest';
import { corruptGlb, cubeGlb } from './common/fixtures/glb.js';
import type { FalEmulator } from './fal.js';
import type { FalAction } from './fal/plan.js';
import { emulator, finish, finishedModel, get, modelUrl, rawGet, read, submit } from './support.js';

describe('downloads', () => {
  const whole = cubeGlb({ material: 'pbr' });
  const downloadWith = async (action: FalAction): Promise<{ fal: FalEmulator; url: string }> => {
    const fal = await emulator();
    fal.fault({ match: { op: 'download' }, action });
    return { fal, url: await finishedModel(fal) };
  };

  it('are whole without a fault, in one piece or by range', async () => {
    const fal = await emulator();
    const url = await finishedModel(fal);
    const all = await get(url, {});
    expect(all.headers.get('content-length')).toBe(String(whole.length));
    expect(Buffer.from(await all.arrayBuffer()).equals(whole)).toBe(true);
    const part = await get(url, { range: 'bytes=100-' });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 100-${whole.length - 1}/${whole.length}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(100))).toBe(true);
    expect((await get(url, { range: `bytes=${whole.length}-` })).status).toBe(416);
  });

  it.each([
    [
      { type: 'reset-at', byte: 1000 },
      { status: 200, bytes: 1000, code: 'ECONNRESET' },
    ],
    [
      { type: 'truncate', byte: 1000 },
      { status: 200, bytes: 1000, code: 'ECONNRESET' },
    ],
    [
      { type: 'truncate', byte: 1000, declare: 'actual' },
      { status: 200, bytes: 1000 },
    ],
    [
      { type: 'swap', content: 'empty' },
      { status: 200, bytes: 0 },
    ],
    [
      { type: 'swap', content: 'glb', bytes: 5_000_000 },
      { status: 200, bytes: 5_000_000 },
    ],
  ] as const)('with %j end as %j', async (action, end) => {
    const { url } = await downloadWith(action);
    expect(await rawGet(url)).toEqual(end);
  });

  it('come without a length', async () => {
    const { url } = await downloadWith({ type: 'chunked' });
    const answer = await get(url, {});
    expect(answer.headers.get('content-length')).toBeNull();
    expect(Buffer.from(await answer.arrayBuffer()).equals(whole)).toBe(true);
  });

  it('do not know ranges', async () => {
    const { url } = await downloadWith({ type: 'no-ranges' });
    const answer = await get(url, { range: 'bytes=100-' });
    expect([answer.status, answer.headers.get('accept-ranges')]).toEqual([200, 'none']);
  });

  it.each([
    ['fbx', 'Kaydara FBX Binary'],
    ['obj-zip', 'PK'],
    ['html', '<!DOCTYPE html>'],
    ['corrupt-glb', 'glTF'],
  ] as const)('hold %s under the name of a GLB', async (content, magic) => {
    const { url } = await downloadWith({ type: 'swap', content });
    expect(url).toMatch(/\.glb$/);
    expect((await (await get(url, {})).text()).startsWith(magic)).toBe(true);
  });

  it('are corrupt in the chunk that a parser reads first', () => {
    expect(corruptGlb().readUInt32LE(12)).toBeGreaterThan(corruptGlb().length);
  });

  it('tell a wrong type', async () => {
    const { url } = await downloadWith({ type: 'media-type', contentType: 'image/png' });
    expect((await get(url, {})).headers.get('content-type')).toBe('image/png');
  });

  it.each([403, 404])('have expired with %d', async (status) => {
    const { url } = await downloadWith({ type: 'respond', status, text: '<Error/>' });
    expect((await get(url, {})).status).toBe(status);
  });

  it.each(['mirror', 'private'] as const)('are redirected to %s, which notes who comes', async (to) => {
    const { fal, url } = await downloadWith({ type: 'redirect', to });
    const answer = await fetch(url, { redirect: 'manual' });
    expect(answer.status).toBe(302);
    expect(new URL(answer.headers.get('location') ?? '').origin).toBe(fal.urls[to]);
    expect(fal.journal.count(to)).toBe(0);
    await fetch(answer.headers.get('location') ?? '');
    expect(fal.journal.count(to)).toBe(1);
  });

  it('are redirected to the same file of the other origin, or anywhere', async () => {
    const fal = await emulator();
    const url = await finishedModel(fal);
    const target = fal.urls.mirror + new URL(url).pathname;
    fal.fault({ match: { op: 'download', role: 'cdn' }, action: { type: 'redirect', to: target } });
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(whole)).toBe(true);
  });

  it('warn when a key is sent to the CDN', async () => {
    const fal = await emulator();
    await get(await finishedModel(fal));
    expect(fal.journal.entries({ role: 'cdn' })[0]?.warnings).toEqual(['credentials sent to the CDN']);
  });

  it('have the size that a job is told to make', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', modelBytes: 1_000_000 } });
    const job = await submit(fal);
    finish(fal);
    const bytes = Buffer.from(await (await get(await modelUrl(job), {})).arrayBuffer());
    expect([bytes.length, bytes.readUInt32LE(8)]).toEqual([1_000_000, 1_000_000]);
    expect(await read(job.response_url)).toHaveProperty('seed');
  });
});
