import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.js';
import type { FalAction } from '../emulator/fal/plan.js';
import { FAL_TEST_KEY } from '../emulator/fal.js';
import { emulator, get } from '../emulator/support.js';
import {
  context,
  errorOf,
  followContext,
  inputFile,
  providerFor,
  sharedClock,
  submitTo,
} from './fal-support.js';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const DAY_MS = 86_400_000;

describe('an upload', () => {
  it('puts the bytes into storage for a day and answers their URL', async () => {
    const fal = await emulator();
    const url = await providerFor(fal).upload(inputFile(PNG), context());
    const stored = await get(url, {});
    expect(stored.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await stored.arrayBuffer())).toEqual(PNG);
    const [initiate] = fal.journal.entries({ op: 'initiate' });
    expect(JSON.parse(String(initiate?.headers['x-fal-object-lifecycle']))).toEqual({
      expiration_duration_seconds: 86_400,
    });
    fal.clock.advance(DAY_MS + 1);
    expect((await get(url, {})).status).toBe(404);
  });

  it('happens once for equal contents, however many calls there are, also at once', async () => {
    const fal = await emulator();
    const provider = providerFor(fal);
    const [first, second] = await Promise.all([
      provider.upload(inputFile(PNG), context()),
      provider.upload(inputFile(Buffer.from(PNG)), context()),
    ]);
    expect(await provider.upload(inputFile(PNG), context())).toBe(first);
    expect(second).toBe(first);
    expect(await provider.upload(inputFile(Buffer.from('GIF89a')), context())).not.toBe(first);
    expect(fal.journal.counts()).toEqual({ 'rest initiate': 2, 'cdn put': 2 });
  });

  it('happens again before the stored file expires', async () => {
    const fal = await emulator();
    const provider = providerFor(fal, { clock: sharedClock(fal) });
    const first = await provider.upload(inputFile(PNG), context());
    fal.clock.advance(0.9 * DAY_MS);
    expect(await provider.upload(inputFile(PNG), context())).toBe(first);
    fal.clock.advance(0.09 * DAY_MS);
    expect(await provider.upload(inputFile(PNG), context())).not.toBe(first);
  });

  it('happens again after fal could not read an image', async () => {
    const fal = await emulator();
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 1_000 });
    const first = await provider.upload(inputFile(PNG), context());
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', failure: 'image-load' } });
    const operation = await submitTo(provider);
    await provider.follow(operation, followContext());
    await errorOf(provider.result(operation, context()));
    expect(await provider.upload(inputFile(PNG), context())).not.toBe(first);
  });

  it.each([
    ['a reset', { type: 'reset' }],
    ['a 503', { type: 'server', status: 503 }],
    ['a 429', { type: 'throttle', retryAfter: 2 }],
  ] satisfies [string, FalAction][])('is tried again after %s, of either step', async (_name, action) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'initiate' }, action });
    fal.fault({ match: { op: 'put' }, action });
    const file = inputFile(PNG);
    const url = await providerFor(fal, { clock: sharedClock(fal) }).upload(file, context());
    expect((await get(url, {})).status).toBe(200);
    expect(file.reads).toBe(1);
  });

  it.each([
    ['an unknown key', { type: 'auth', kind: 'unknown-key' }, 'refused', /FAL_KEY/],
    ['a locked account', { type: 'auth', kind: 'locked' }, 'refused', /locked the account/],
    ['a refusal of the file', { type: 'server', status: 413 }, 'rejected', /refused the input/],
    [
      'an outage',
      { type: 'server', status: 500 },
      'refused',
      /could not be uploaded to fal: fal answered HTTP 500/,
    ],
  ] satisfies [string, FalAction, string, RegExp][])(
    'fails in words after %s, and is not remembered',
    async (_name, action, outcome, told) => {
      const fal = await emulator();
      const fault = fal.fault({ match: { op: 'initiate' }, action, times: 'always' });
      const provider = providerFor(fal, { clock: sharedClock(fal) });
      expect(await errorOf(provider.upload(inputFile(PNG), context()))).toMatchObject({
        outcome,
        message: expect.stringMatching(told),
      });
      fault.remove();
      expect(await provider.upload(inputFile(PNG), context())).toContain(fal.urls.cdn);
    },
  );

  it('goes to none but the hosts of fal and those that were allowed', async () => {
    const fal = await emulator();
    const provider = providerFor(fal, { allowHosts: [] });
    const error = await errorOf(provider.upload(inputFile(PNG), context()));
    expect(error).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining("none of fal's hosts"),
    });
    expect(fal.journal.count('cdn')).toBe(0);
  });

  it('is shared: one caller that goes away does not end it for the others', async () => {
    const fal = await emulator();
    fal.fault({ match: { op: 'put' }, action: { type: 'delay', ms: 100 } });
    const provider = providerFor(fal);
    const leaving = new AbortController();
    const left = errorOf(provider.upload(inputFile(PNG), context(leaving.signal)));
    const stays = provider.upload(inputFile(PNG), context());
    await expect.poll(() => fal.journal.count('cdn', 'put')).toBe(1);
    leaving.abort(new Error('going away'));
    expect(String(await left)).toContain('going away');
    expect(await stays).toContain(fal.urls.cdn);
    expect(fal.journal.count('cdn', 'put')).toBe(1);
  });
});

describe('the key', () => {
  it('is in no request to the CDN, no log and no error', async () => {
    const fal = await emulator();
    const lines: string[] = [];
    const log = createLog('debug', (line) => void lines.push(line));
    const provider = providerFor(fal, { clock: sharedClock(fal), pollMs: 1_000 });
    fal.fault({ match: { op: 'status' }, action: { type: 'server', status: 503 }, times: 3 });
    fal.fault({ match: { op: 'result' }, action: { type: 'reset' } });
    const url = await provider.upload(inputFile(PNG), { ...context(), log });
    const operation = await submitTo(provider, undefined, { image_url: url });
    await provider.follow(operation, { ...followContext(), log });
    const { body } = await provider.result(operation, { ...context(), log });
    const cdn = fal.journal.entries({ role: 'cdn' });
    expect(cdn.length).toBeGreaterThan(0);
    expect(lines.length).toBeGreaterThan(0);
    for (const part of FAL_TEST_KEY.split(':')) {
      expect(JSON.stringify([cdn, lines, operation, body])).not.toContain(part);
    }
  });
});
