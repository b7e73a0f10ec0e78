import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/store/ids.js';
import { openStore } from '../../src/store/index.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { generateSmall, run } from './support.js';

const THEIR_JOB = newId('job');
const THEIR_ASSET = newId('asset');
/** As an authorization server calls somebody. */
const REMOTE = 'https://id.example|7';

let data: string;
let ours: string;
beforeAll(async () => {
  data = await temporaryFolder();
  ours = (await generateSmall(data)).job_id;
  const store = openStore(data);
  const job = await store.jobs.get(ours);
  const [asset] = await store.jobs.assetsOf(ours);
  if (!job || !asset) throw new Error('there is no job to copy');
  for (const [principal, id] of [
    ['ada', THEIR_JOB],
    [REMOTE, newId('job')],
  ] as const)
    await store.jobs.create(
      { ...job, id, principal, provider: 'fal', model: 'fal-ai/trellis', estimateUsd: 0.02, billedUsd: 0.02 },
      undefined,
    );
  await store.jobs.addAsset({ ...asset, id: THEIR_ASSET, principal: 'ada', jobId: THEIR_JOB });
  await store.close();
  await run(data, ['token', 'add', 'bob']);
});
afterAll(() => removeFolder(data));

const adas = (...args: string[]): ReturnType<typeof run> =>
  run(data, [...args, '--principal', 'ada'], { cwd: data });

describe('--principal', () => {
  it('lists, shows, cancels and waits for the jobs of a caller of the HTTP server', async () => {
    const listed = await adas('jobs');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toContain(THEIR_JOB);
    expect(listed.stdout).not.toContain(ours);
    for (const args of [[THEIR_JOB], ['cancel', THEIR_JOB], ['wait', THEIR_JOB]]) {
      const { code, stdout } = await adas('jobs', ...args);
      expect({ code, args }).toEqual({ code: 0, args });
      expect(stdout).toContain(THEIR_JOB);
    }
    expect((await adas('jobs', ours)).stderr).toContain(`There is no job ${ours}`);
    expect((await run(data, ['jobs', THEIR_JOB])).code).toBe(2);
  });

  it('tells what they cost', async () => {
    const { code, stdout, stderr } = await adas('jobs', '--costs');
    expect(code).toBe(0);
    expect(stdout).toMatch(/fal +1 +0 +\$0\.02 +\$0\.02/);
    expect(stderr).toContain('$0.02 is spent or held today');
  });

  it('lists, shows and saves their files', async () => {
    expect((await adas('assets')).stdout).toContain(THEIR_ASSET);
    expect((await adas('assets', THEIR_ASSET)).stdout).toMatch(/^validator +0 errors/m);
    const folder = await temporaryFolder();
    try {
      const target = path.join(folder, 'theirs.glb');
      expect(await adas('assets', 'save', THEIR_ASSET, target)).toMatchObject({ code: 0 });
      expect((await readFile(target)).subarray(0, 4).toString()).toBe('glTF');
    } finally {
      await removeFolder(folder);
    }
  });

  it('takes who has a token but no jobs, who came by OAuth, and whoever uses this machine', async () => {
    expect(await run(data, ['jobs', '--principal', 'bob'])).toMatchObject({ code: 0 });
    expect((await run(data, ['jobs', '--principal', REMOTE, '--json'])).stdout).toContain('job_');
    expect((await run(data, ['jobs', '--principal', 'local'])).stdout).toContain(ours);
  });

  it('refuses a name that nobody has, with the names there are', async () => {
    for (const args of [['jobs'], ['jobs', '--costs'], ['jobs', 'wait', THEIR_JOB], ['assets']]) {
      const { code, stdout, stderr } = await run(data, [...args, '--principal', 'adda']);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('There is no principal "adda"');
      expect(stderr).toContain(`There are local, bob, ada, ${REMOTE}.`);
    }
  });

  it('needs no token file that can be read for somebody who has jobs', async () => {
    const folder = path.join(data, 'broken');
    await mkdir(folder);
    await writeFile(path.join(folder, 'tokens.json'), '{');
    const broken = ['--tokens', path.join(folder, 'tokens.json')];
    expect(await run(data, ['jobs', '--principal', 'ada', ...broken])).toMatchObject({ code: 0 });
    expect((await run(data, ['jobs', '--principal', 'adda', ...broken])).stderr).toContain('it is no JSON');
  });
});
