import { describe, expect, it } from 'vitest';
import { SubmitError } from '../../src/providers/provider.js';
import { fixtureOf } from '../emulator/common/fixtures/named.js';
import { emulator } from '../emulator/scenario-support.js';
import { providerFor } from './scenario-support.js';
import { context, errorOf, inputFile } from './support.js';

const MIB = 1024 * 1024;
const SMALL = fixtureOf('png');

/** A picture that is larger than what goes into JSON; what follows its end is ignored by readers of PNG. */
function large(bytes: number): Buffer {
  return Buffer.concat([SMALL, Buffer.alloc(bytes - SMALL.length, 7)]);
}

describe('a small image for Scenario', () => {
  it('is one call, once per process, however many jobs name it at once', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    const image = inputFile(SMALL);
    const ids = await Promise.all([1, 2, 3].map(() => provider.upload(image, context())));
    expect(new Set(ids).size).toBe(1);
    expect(image.reads).toBe(1);
    expect(await provider.upload(inputFile(SMALL), context())).toBe(ids[0]);
    expect(scenario.journal.counts()).toEqual({ 'api asset-create': 1 });
    const [post] = scenario.journal.entries();
    expect(post?.body).toEqual({
      name: expect.stringMatching(/^meshwright-[0-9a-f]{12}\.png$/),
      image: `data:image/png;base64,${SMALL.toString('base64')}`,
    });
    expect(scenario.assets.get(ids[0] ?? '')?.mimeType).toBe('image/png');
  });

  it('is sent again when a call fails, and not when it is refused', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario);
    scenario.fault({ match: { op: 'asset-create' }, action: { type: 'server', status: 503 }, times: 2 });
    expect(await provider.upload(inputFile(SMALL), context())).toMatch(/^asset_/);
    const other = inputFile(fixtureOf('webp'), 'image/webp');
    scenario.fault({ match: { op: 'asset-create' }, action: { type: 'auth', kind: 'unknown-key' } });
    const error = await errorOf(provider.upload(other, context()));
    expect(error).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/SCENARIO_SDK_API_KEY/),
    });
    expect(await provider.upload(other, context())).toMatch(/^asset_/);
    expect(scenario.journal.count('api', 'asset-create')).toBe(5);
  });

  it('that Scenario does not take is the fault of the image', async () => {
    const scenario = await emulator();
    const error = await errorOf(providerFor(scenario).upload(inputFile(Buffer.from('no image')), context()));
    expect(error).toMatchObject({
      outcome: 'rejected',
      message: expect.stringMatching(/image is not valid/),
    });
  });

  it('costs nothing when it cannot be sent at all', async () => {
    const scenario = await emulator();
    await scenario.down('api');
    const error = await errorOf(providerFor(scenario).upload(inputFile(SMALL), context()));
    expect(error).toBeInstanceOf(SubmitError);
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/Nothing was bought/) });
  });

  it('goes on for the others when one caller stops waiting', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'asset-create' }, action: { type: 'delay', ms: 50 } });
    const provider = providerFor(scenario);
    const stop = new AbortController();
    const first = errorOf(provider.upload(inputFile(SMALL), context(stop.signal)));
    const second = provider.upload(inputFile(SMALL), context());
    stop.abort(new Error('stop'));
    expect(await first).toMatchObject({ message: 'stop' });
    expect(await second).toMatch(/^asset_/);
    expect(scenario.journal.count('api', 'asset-create')).toBe(1);
  });

  it.each([413, 400] as const)(
    'that is too large for its call after all (%i) goes in parts',
    async (status) => {
      const scenario = await emulator({ imageCapBytes: 10, imageCapStatus: status });
      const id = await providerFor(scenario).upload(inputFile(SMALL), context());
      expect(scenario.assets.get(id)?.size).toBe(SMALL.length);
      expect(scenario.journal.count('storage', 'put-part')).toBe(1);
    },
  );
});

describe('a large image for Scenario', () => {
  it('goes in parts to the store, with its type and without the key', async () => {
    const scenario = await emulator();
    const bytes = large(18 * MIB);
    const id = await providerFor(scenario).upload(inputFile(bytes), context());
    expect(scenario.assets.get(id)?.size).toBe(bytes.length);
    expect(scenario.journal.entries({ op: 'upload-create' })[0]?.body).toEqual({
      fileName: expect.stringMatching(/\.png$/),
      fileSize: bytes.length,
      contentType: 'image/png',
      kind: 'image',
      parts: 3,
    });
    const parts = scenario.journal.entries({ op: 'put-part' });
    expect(parts.map(({ bodyBytes }) => bodyBytes)).toEqual([8 * MIB, 8 * MIB, 2 * MIB]);
    for (const { headers, warnings } of parts) {
      expect(headers).toMatchObject({ 'content-type': 'image/png' });
      expect(headers).not.toHaveProperty('authorization');
      expect(warnings).toEqual([]);
    }
    expect(scenario.journal.entries({ op: 'upload-complete' })[0]?.body).toEqual({ action: 'complete' });
  });

  it('is sent again part by part when the store stumbles', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'put-part' }, action: { type: 'server', status: 500 }, times: 2 });
    scenario.fault({ match: { op: 'put-part' }, nth: 3, action: { type: 'reset' } });
    const id = await providerFor(scenario).upload(inputFile(large(4 * MIB)), context());
    expect(id).toMatch(/^asset_/);
    expect(scenario.journal.count('api', 'upload-create')).toBe(1);
  });

  it('begins anew when the links to its parts have expired', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'upload-create' }, action: { type: 'upload', partUrlLifeMs: 0 } });
    expect(await providerFor(scenario).upload(inputFile(large(4 * MIB)), context())).toMatch(/^asset_/);
    expect(scenario.journal.count('api', 'upload-create')).toBe(2);
  });

  it('is waited for while Scenario looks at it', async () => {
    const scenario = await emulator({ validateMs: 60_000 });
    expect(await providerFor(scenario).upload(inputFile(large(4 * MIB)), context())).toMatch(/^asset_/);
  });

  it.each(['validation', 'import'] as const)(
    'that fails in its %s is the fault of the image',
    async (failure) => {
      const scenario = await emulator();
      scenario.fault({ match: { op: 'upload-create' }, action: { type: 'upload', failure } });
      const error = await errorOf(providerFor(scenario).upload(inputFile(large(4 * MIB)), context()));
      expect(error).toMatchObject({
        outcome: 'rejected',
        message: expect.stringMatching(/does not take the image/),
      });
    },
  );

  it('that is never looked at is given up, and nothing was bought', async () => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'upload-create' }, action: { type: 'upload', validateMs: 'never' } });
    const error = await errorOf(providerFor(scenario).upload(inputFile(large(4 * MIB)), context()));
    expect(error).toMatchObject({ outcome: 'refused', message: expect.stringMatching(/did not import it/) });
  });

  it('is never sent to an address inside of the network', async () => {
    const scenario = await emulator();
    const provider = providerFor(scenario, { allowHosts: [] });
    const error = await errorOf(provider.upload(inputFile(large(4 * MIB)), context()));
    expect(error).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(/MESHWRIGHT_ALLOW_HOSTS/),
    });
    expect(scenario.journal.count('storage')).toBe(0);
  });
});
