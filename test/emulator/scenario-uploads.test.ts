import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fixtureOf } from './common/fixtures/named.js';
import type { JsonObject } from './common/json.js';
import type { ScenarioEmulator, ScenarioOptions } from './scenario.js';
import { auth, call, emulator, read, submit } from './scenario-support.js';

const PNG = fixtureOf('png');

describe('an image as a data URI', () => {
  const send = async (data: string, options: ScenarioOptions = {}): Promise<Response> =>
    call(await emulator(options), '/assets', { name: 'dog.png', image: data });

  it.each(['data:image/png;base64,', ''])('with %j before the base64 becomes an asset', async (prefix) => {
    const answer = await send(prefix + PNG.toString('base64'));
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      {
        asset: {
          id: expect.stringMatching(/^asset_/),
          mimeType: 'image/png',
          kind: 'image',
          source: 'uploaded',
        },
      },
    ]);
  });

  it.each([
    ['data:image/png;base64,AAAA', {}, 400],
    ['https://example.com/dog.png', {}, 400],
    [`data:image/png;base64,${PNG.toString('base64')}`, { imageCapBytes: 50 }, 413],
    [`data:image/png;base64,${PNG.toString('base64')}`, { imageCapBytes: 50, imageCapStatus: 400 }, 400],
    [`data:image/png;base64,${PNG.toString('base64')}`, { bodyCapBytes: 50 }, 413],
  ] as const)('%.40s with %j is refused with %d', async (data, options, status) => {
    expect((await send(data, options)).status).toBe(status);
  });

  it('needs a name', async () => {
    expect((await call(await emulator(), '/assets', { image: PNG.toString('base64') })).status).toBe(400);
  });
});

const upload = z.object({
  upload: z.looseObject({
    id: z.string(),
    jobId: z.string(),
    status: z.string(),
    entityId: z.string().nullable(),
    parts: z.array(z.object({ number: z.number(), url: z.string(), expires: z.string() })).optional(),
  }),
});
type Upload = z.output<typeof upload>['upload'];

/** Announces `bytes` in so many parts. */
async function announce(scenario: ScenarioEmulator, parts = 1, over: JsonObject = {}): Promise<Upload> {
  const answer = await call(scenario, '/uploads', {
    fileName: 'dog.png',
    fileSize: PNG.length,
    contentType: 'image/png',
    kind: 'image',
    parts,
    ...over,
  });
  return upload.parse(await answer.json()).upload;
}

const put = (url: string, bytes: Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'image/png', ...headers },
    body: new Uint8Array(bytes),
  });

const complete = async (scenario: ScenarioEmulator, { id }: Upload): Promise<Upload> =>
  upload.parse(await (await call(scenario, `/uploads/${id}/action`, { action: 'complete' })).json()).upload;

const look = async (scenario: ScenarioEmulator, { id }: Upload): Promise<Upload> =>
  upload.parse(await (await call(scenario, `/uploads/${id}`)).json()).upload;

describe('an upload', () => {
  it('goes in parts to another host, is validated and imported', async () => {
    const scenario = await emulator({ minPartBytes: 10 });
    const begun = await announce(scenario, 2);
    expect(begun.status).toBe('pending');
    expect(begun.parts?.map(({ number, url }) => [number, new URL(url).origin])).toEqual([
      [1, scenario.urls.storage],
      [2, scenario.urls.storage],
    ]);
    // Out of order, which must not matter.
    expect((await put(begun.parts?.[1]?.url ?? '', PNG.subarray(40))).status).toBe(200);
    expect((await put(begun.parts?.[0]?.url ?? '', PNG.subarray(0, 40))).status).toBe(200);
    const seen = [(await complete(scenario, begun)).status];
    for (let i = 0; i < 4; i++) {
      scenario.clock.advance(500);
      seen.push((await look(scenario, begun)).status);
    }
    expect(seen).toEqual(['validating', 'validating', 'validated', 'complete', 'imported']);
    const { entityId } = await look(scenario, begun);
    const bytes = await (await fetch((await read(scenario, entityId ?? '')).url)).arrayBuffer();
    expect(Buffer.from(bytes).equals(PNG)).toBe(true);
    expect(await (await call(scenario, `/jobs/${begun.jobId}`)).json()).toMatchObject({
      job: { jobType: 'upload', status: 'success', metadata: { output: { entityId } } },
    });
    await submit(scenario, { image: entityId });
    const listed = z.object({ jobs: z.array(z.looseObject({ jobType: z.string() })) });
    const jobs = listed.parse(await (await call(scenario, '/jobs')).json()).jobs;
    expect(jobs.map(({ jobType }) => jobType)).toEqual(['custom', 'upload']);
  });

  it('fails when a part is missing, too small or of another length, or when the file is no image', async () => {
    const outcomes: string[] = [];
    for (const [parts, sent, over] of [
      [2, [PNG], {}],
      [2, [PNG.subarray(0, 40), PNG.subarray(40)], {}],
      [1, [PNG.subarray(1)], {}],
      [1, [Buffer.from('nothing')], { fileSize: 7 }],
    ] as const) {
      const scenario = await emulator();
      const begun = await announce(scenario, parts, over);
      for (const [i, bytes] of sent.entries()) await put(begun.parts?.[i]?.url ?? '', bytes);
      await complete(scenario, begun);
      scenario.clock.advance(10_000);
      const { status, errorMessage } = await look(scenario, begun);
      outcomes.push(`${status}: ${String(errorMessage)}`);
    }
    expect(outcomes).toEqual([
      'failed: Only 1 of 2 parts were uploaded.',
      'failed: Your proposed upload is smaller than the minimum allowed size.',
      `failed: Expected ${PNG.length} bytes, found ${PNG.length - 1}.`,
      'failed: The file is not a valid image.',
    ]);
  });

  it.each([
    [{ failure: 'validation' }, 'failed', 'failure'],
    [{ failure: 'import' }, 'failed', 'failure'],
    [{ validateMs: 'never' }, 'validating', 'in-progress'],
    [{ validateMs: 60_000 }, 'imported', 'success'],
  ] as const)('under %j ends as %s', async (action, status, jobStatus) => {
    const scenario = await emulator();
    scenario.fault({ match: { op: 'upload-create' }, action: { type: 'upload', ...action } });
    const begun = await announce(scenario);
    await put(begun.parts?.[0]?.url ?? '', PNG);
    await complete(scenario, begun);
    scenario.clock.advance(60_000);
    expect((await look(scenario, begun)).status).toBe(status);
    expect(await (await call(scenario, `/jobs/${begun.jobId}`)).json()).toMatchObject({
      job: { status: jobStatus },
    });
  });

  it('takes no key, no other signature, and nothing after its time', async () => {
    const scenario = await emulator({ partUrlLifeMs: 1000 });
    const { parts: [part] = [] } = await announce(scenario);
    const url = part?.url ?? '';
    expect((await put(url, PNG, auth)).status).toBe(403);
    expect(scenario.journal.entries({ role: 'storage' })[0]?.warnings).toEqual([
      'credentials sent to another origin',
    ]);
    expect((await put(`${url}x`, PNG)).status).toBe(403);
    expect((await put(url.replace('/1?', '/2?'), PNG)).status).toBe(404);
    expect((await put(url, PNG)).status).toBe(200);
    scenario.clock.advance(1000);
    expect((await put(url, PNG)).status).toBe(403);
  });

  it('must be announced in full, and exist', async () => {
    const scenario = await emulator();
    expect((await call(scenario, '/uploads', { fileName: 'dog.png' })).status).toBe(400);
    expect((await call(scenario, '/uploads/upload_none')).status).toBe(404);
    expect((await call(scenario, '/uploads/upload_none/action', { action: 'complete' })).status).toBe(404);
    const begun = await announce(scenario);
    expect((await call(scenario, `/uploads/${begun.id}/action`, { action: 'upload-complete' })).status).toBe(
      400,
    );
  });
});
