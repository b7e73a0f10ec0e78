import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FileAssetStore } from '../../src/store/files.js';
import { openStore, type Store } from '../../src/store/index.js';
import { openSqlite } from '../../src/store/sqlite.js';
import { temporaryFolder } from './support/folder.js';
import { type Helper, startHelper } from './support/processes.js';
import { aJob } from './support/rows.js';

/** Real processes on one data folder: races, kills, full disks. */

function opened(folder: string): Store {
  const store = openStore(folder);
  onTestFinished(() => store.close());
  return store;
}

function startTwo(task: string, folder: string, argument?: string): Promise<Helper[]> {
  return Promise.all([startHelper(task, folder, argument), startHelper(task, folder, argument)]);
}

describe('races', () => {
  test('two processes that get the same calls at once make each job once', async () => {
    const folder = await temporaryFolder();
    const helpers = await startTwo('create', folder, '25');
    for (const helper of helpers) helper.go();
    await Promise.all(helpers.map(({ ended }) => ended));
    const [first = [], second = []] = helpers.map(({ said }) => said);
    expect(first.map(({ id }) => id)).toEqual(second.map(({ id }) => id));
    expect([...first, ...second].filter(({ existing }) => !existing)).toHaveLength(25);
    expect((await opened(folder).jobs.list({ principal: 'ada', limit: 100 })).rows).toHaveLength(25);
  });

  test('two processes that change one job lose no change', async () => {
    const folder = await temporaryFolder();
    const { jobs } = opened(folder);
    const job = aJob();
    await jobs.create(job, undefined);
    const helpers = await startTwo('change', folder, job.id);
    for (const helper of helpers) helper.go();
    await Promise.all(helpers.map(({ ended }) => ended));
    expect(await jobs.get(job.id)).toMatchObject({ storeAttempts: 100 });
  });
});

test('a lock of another process holds up the write, not the event loop', async () => {
  const folder = await temporaryFolder();
  const { jobs } = opened(folder);
  const early = aJob();
  await jobs.create(early, undefined);
  const helper = await startHelper('lock', folder);
  helper.go();
  await helper.heard(1);

  const job = aJob();
  let written = false;
  const writing = jobs.create(job, undefined).then(() => (written = true));
  await expect(jobs.get(early.id)).resolves.toEqual(early);
  // A driver that waits for the lock itself would block the event loop until it gives up.
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 5);
  onTestFinished(() => clearInterval(timer));
  await expect.poll(() => turns).toBeGreaterThan(100);
  expect(written).toBe(false);
  helper.go();
  await writing;
  await helper.ended;
  expect(await jobs.get(job.id)).toEqual(job);
});

describe('kill -9', () => {
  test('every acknowledged row is there afterwards, and the database is whole', async () => {
    const folder = await temporaryFolder();
    const { jobs } = opened(folder);
    // One writer of two is killed, and the other while a third recovers what both left behind.
    for (const acknowledged of [1, 15, 40]) {
      const [victim, survivor] = await startTwo('write', folder);
      if (!victim || !survivor) throw new Error('Two helpers were asked for.');
      victim.go();
      survivor.go();
      await victim.heard(acknowledged);
      await victim.kill();
      await survivor.heard(survivor.said.length + 5);
      await survivor.kill();
      for (const { id, state, assetId } of [...victim.said, ...survivor.said]) {
        const row = await jobs.get(String(id));
        expect(row).toBeDefined();
        if (state === 'intent') continue;
        expect(row?.state).toBe('succeeded');
        expect((await jobs.assetsOf(String(id))).map((asset) => asset.id)).toEqual([assetId]);
      }
    }
    const db = await openSqlite(path.join(folder, 'jobs.db'));
    expect(db.all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    db.close();
  });

  test('no half-written file is ever visible, and what is left of it is swept', async () => {
    const folder = await temporaryFolder();
    const { assets } = opened(folder);
    for (const acknowledged of [1, 4, 9]) {
      const helper = await startHelper('put', folder);
      helper.go();
      await helper.heard(acknowledged);
      await helper.kill();
      for (const { key } of helper.said) expect(await assets.has(String(key))).toBe(true);
    }
    for (const name of await readdir(path.join(folder, 'files'))) {
      const bytes = await readFile(path.join(folder, 'files', name));
      expect(name).toContain(createHash('sha256').update(bytes).digest('hex'));
    }
    const later = new FileAssetStore(folder, { clock: () => Date.now() + 3_600_000 });
    await later.sweep(60_000, async () => true);
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });
});

test('what a killed process left half written goes at once, what others write stays', async () => {
  const folder = await temporaryFolder();
  const { assets } = opened(folder);
  const own = await assets.temporary();
  await writeFile(own, 'glTF');
  const [victim, survivor] = await startTwo('begin', folder);
  if (!victim || !survivor) throw new Error('Two helpers were asked for.');
  for (const helper of [victim, survivor]) {
    helper.go();
    await helper.heard(1);
  }
  const sweep = (): Promise<number> => assets.sweep(3_600_000, async () => true);
  expect(await sweep()).toBe(0);
  await victim.kill();
  expect(await sweep()).toBe(1);
  expect(await readdir(path.join(folder, 'tmp'))).toHaveLength(2);
  await assets.adopt(own, 'asset_1.glb');
});

test('a file whose process was killed before it wrote the row goes at once, what others are about to write stays', async () => {
  const folder = await temporaryFolder();
  const { assets, jobs } = opened(folder);
  const [victim, survivor] = await startTwo('publish', folder);
  if (!victim || !survivor) throw new Error('Two helpers were asked for.');
  for (const helper of [victim, survivor]) {
    helper.go();
    await helper.heard(1);
  }
  const sweep = (): Promise<number> => assets.sweep(3_600_000, (key) => jobs.hasAssetKey(key));
  expect(await sweep()).toBe(0);
  await victim.kill();
  expect(await sweep()).toBe(1);
  const kept = [victim.said[0]?.['key'], survivor.said[0]?.['key'], survivor.said[0]?.['rowless']];
  expect((await readdir(path.join(folder, 'files'))).toSorted()).toEqual(kept.map(String).toSorted());
  await survivor.kill();
  expect(await sweep()).toBe(1);
  expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
});

describe('folders that cannot be written', () => {
  test('a file that may not grow is not stored at all, and smaller ones are', async () => {
    const folder = await temporaryFolder();
    const helper = await startHelper('full', folder, '', { maxFileKb: 1_024 });
    helper.go();
    expect(await helper.ended).toBe(0);
    expect(helper.said).toEqual([
      { code: 'storage', retryable: true, message: expect.stringMatching(/full.*Free some space/) },
    ]);
    expect(await readdir(path.join(folder, 'files'))).toEqual(['asset_small.glb']);
    expect(await readdir(path.join(folder, 'tmp'))).toEqual([]);
  });

  test('a read-only folder is said in words', async () => {
    const folder = path.join(await temporaryFolder(), 'data');
    await mkdir(folder);
    await chmod(folder, 0o500);
    const helper = await startHelper('refused', folder);
    helper.go();
    await helper.ended;
    const refusal = { code: 'storage', retryable: false, message: expect.stringContaining('read-only') };
    expect(helper.said).toEqual([refusal, refusal]);
  });
});

test('a store that is only waiting does not keep its process alive', async () => {
  const helper = await startHelper('idle', await temporaryFolder());
  helper.go();
  expect(await helper.ended).toBe(0);
});
