import { expect, test } from 'vitest';
import { newId } from '../../src/store/ids.js';
import { openStore } from '../../src/store/index.js';
import { isDeadOwner, ownerId } from '../../src/store/owner.js';
import { temporaryFolder } from './support/folder.js';
import { startHelper } from './support/processes.js';
import { aJob } from './support/rows.js';

test('the calling process lives, and each of its names is another', () => {
  const [first, second] = [ownerId(), ownerId()];
  expect(first).not.toBe(second);
  expect(isDeadOwner(first)).toBe(false);
});

test('another process lives until it is killed', async () => {
  const folder = await temporaryFolder();
  const store = openStore(folder);
  const job = aJob({ id: newId('job') });
  await store.jobs.create(job, undefined);
  const helper = await startHelper('lease', folder, job.id);
  helper.go();
  await helper.heard(1);
  const owner = String(helper.said[0]?.['owner']);
  expect(isDeadOwner(owner)).toBe(false);
  await helper.kill();
  expect(isDeadOwner(owner)).toBe(true);
  await store.close();
});

test('nothing is said about other machines, nor about names that it does not know', () => {
  const [, pid = '', start = '', random = ''] = ownerId().split('.');
  for (const name of [`0123456789abcdef.999999.${start}.${random}`, '', 'worker-1', pid, 'a.b.c.d']) {
    expect(isDeadOwner(name)).toBe(false);
  }
});

test('a pid that another process has got since is no sign of life, where start times are known', () => {
  const [machine = '', pid = '', , random = ''] = ownerId().split('.');
  expect(isDeadOwner([machine, pid, '1', random].join('.'))).toBe(process.platform === 'linux');
});
