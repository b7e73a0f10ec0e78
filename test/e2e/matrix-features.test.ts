import { createHash, randomFillSync } from 'node:crypto';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/store/ids.js';
import { openStore } from '../../src/store/index.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import {
  CLIENT_KINDS,
  connect,
  connectHttp,
  type ElicitAnswer,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
} from '../support/clients.js';
import { type HttpProcess, startHttpProcess } from '../support/http-server.js';
import { callAsTask } from '../support/task-clients.js';

/** What few hosts can do, in every generation of client over both transports: questions, tasks, large files. */

const SIZE = 7 * 1024 ** 2;

let folder: string;
let fal: FalEmulator;
let env: Record<string, string>;
let server: HttpProcess;
let assetId: string;
let bytes: Buffer;

beforeAll(async () => {
  folder = await temporaryFolder();
  fal = await startFalEmulator({ jobMs: 300 });
  const data = path.join(folder, 'data');
  env = serverEnv(data, {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
  });
  bytes = randomFillSync(Buffer.alloc(SIZE));
  assetId = newId('asset');
  const store = openStore(data);
  await store.assets.put(`${assetId}.glb`, bytes);
  await store.jobs.addAsset({
    id: assetId,
    key: `${assetId}.glb`,
    principal: 'local',
    role: 'model',
    format: 'glb',
    mimeType: 'model/gltf-binary',
    name: 'large.glb',
    sizeBytes: SIZE,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    createdAt: Date.now(),
  });
  await store.close();
  server = await startHttpProcess(env);
});
afterAll(async () => {
  await server.stop();
  await fal.close();
  await removeFolder(folder);
});

const CASES = (['stdio', 'HTTP'] as const).flatMap((over) =>
  CLIENT_KINDS.map((kind, i) => [over, kind, over === 'HTTP' ? i + 4 : i] as const),
);

describe.concurrent.each(CASES)('over %s the client %s', (over, kind, variant) => {
  const url = (): string => `${server.origin}/mcp`;
  const open = (answer?: (message: string) => Promise<ElicitAnswer>): Promise<TestClient> => {
    const asked = answer ? { answer } : {};
    return over === 'HTTP' ? connectHttp(kind, url(), {}, asked) : connect(kind, env, [], asked);
  };

  it('asks its user what is dear, does as they say, and reads 7 MiB in one piece', async () => {
    const shown: string[] = [];
    let action: ElicitAnswer['action'] = 'decline';
    const client = await open((message) => {
      shown.push(message);
      return Promise.resolve({ action });
    });
    const buy = { prompt: `mug number ${String(variant)}`, addons: 'HighPack', wait_seconds: 50 };
    const declined = await client.call('rodin', buy);
    expect(declined.isError).toBe(true);
    expect(declined.text).toMatch(/declined.*Nothing was sent/);
    const submits = (): number =>
      fal.journal.entries({ op: 'submit' }).filter(({ body }) => JSON.stringify(body).includes(buy.prompt))
        .length;
    expect(submits()).toBe(0);
    action = 'accept';
    const bought = await client.call('rodin', buy);
    expect(bought.structured, bought.text).toMatchObject({ status: 'succeeded' });
    expect(submits()).toBe(1);
    expect(shown).toHaveLength(2);
    expect(shown[1]).toMatch(/rodin over fal for about \$1\.20/);

    const [contents] = await client.read(`meshwright://assets/${assetId}`);
    expect(Buffer.from(contents?.blob ?? '', 'base64').equals(bytes)).toBe(true);
    expect((await client.listTools()).length).toBeGreaterThan(5);
    await client.close();
  });

  it('follows a model as a task to its result', async () => {
    const place = over === 'HTTP' ? { url: url() } : { env };
    const args = { image_url: `https://example.com/mug-${String(variant)}.png` };
    const { isTask, result } = await callAsTask(kind, place, 'triposr', args);
    expect(isTask).toBe(true);
    expect(result).toMatchObject({ structuredContent: { status: 'succeeded', tool: 'triposr' } });
  });
});
