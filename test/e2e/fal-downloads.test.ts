import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommonAction } from '../emulator/common/actions.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { connect, removeFolder, serverEnv, temporaryFolder, type TestClient } from '../support/clients.js';

/** What can happen to the files of a job that is done and paid: what the agent is told, and what is stored. */

let folder: string;
let fal: FalEmulator;
let client: TestClient;
beforeAll(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 100 });
  client = await connect(
    'v1',
    serverEnv(path.join(folder, 'data'), {
      FAL_KEY: FAL_TEST_KEY,
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
    }),
  );
});
afterAll(async () => {
  await client.close();
  await fal.close();
  await removeFolder(folder);
});

let seed = 0;
/** A job whose file meets this, once. */
async function made(action: CommonAction): Promise<Record<string, unknown>> {
  fal.fault({ match: { op: 'submit' }, action: { type: 'job', files: 'url-only' } });
  fal.fault({ match: { op: 'download' }, times: 1, action });
  const image = 'https://storage.googleapis.com/falserverless/a.png';
  const result = await client.call('trellis', { image_url: image, seed: ++seed });
  expect(fal.ledger.accepted).toBe(seed);
  return result.structured ?? {};
}

it.each([
  ['of a wrong type is told by its bytes', { type: 'media-type', contentType: 'text/plain' }, 'glb'],
  ['that is an FBX under the name of a GLB is stored as FBX', { type: 'swap', content: 'fbx' }, 'fbx'],
  ['that is an archive is stored as one', { type: 'swap', content: 'texture-zip' }, 'zip'],
  ['that is a web page is fetched again', { type: 'swap', content: 'html' }, 'glb'],
  ['that is not there is looked up again', { type: 'respond', status: 404 }, 'glb'],
] satisfies [string, CommonAction, string][])('a file %s', async (_what, action, format) => {
  const job = await made(action);
  expect(job).toMatchObject({ status: 'succeeded', assets: [{ role: 'model', format }] });
});

it.each(['private', 'mirror'])(
  'a file that leads to another place (%s) is not fetched from there, and is had when it does not any more',
  async (to) => {
    const job = await made({ type: 'redirect', to });
    expect(fal.journal.count(to)).toBe(0);
    expect(job).toMatchObject({ status: 'succeeded', assets: [{ role: 'model', format: 'glb' }] });
  },
);
