import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { FileAssetStore } from '../../src/store/files.js';
import { assetStoreSuite } from './suites/asset-store.js';
import { temporaryFolder } from './support/folder.js';

assetStoreSuite('folder', async () => {
  let passed = 0;
  const store = new FileAssetStore(await temporaryFolder(), { clock: () => Date.now() + passed });
  return { store, pass: (ms) => (passed += ms) };
});

test('files and folders are for their owner only', async () => {
  const folder = path.join(await temporaryFolder(), 'data');
  const store = new FileAssetStore(folder);
  await store.put('asset_1.glb', Buffer.from('glTF'));
  const temporary = await store.temporary();
  await writeFile(temporary, 'glTF', { mode: 0o644 });
  await store.adopt(temporary, 'asset_2.glb');
  const modes = [folder, path.dirname(temporary), path.dirname(store.path('asset_1.glb'))];
  for (const place of modes) expect((await stat(place)).mode & 0o777).toBe(0o700);
  for (const key of ['asset_1.glb', 'asset_2.glb'])
    expect((await stat(store.path(key))).mode & 0o777).toBe(0o600);
});

test('nothing is left in the temporary folder once what was put and adopted has its row or is gone', async () => {
  const store = new FileAssetStore(await temporaryFolder());
  const temporary = await store.temporary();
  await store.put('asset_1.glb', Buffer.from('glTF'));
  await writeFile(temporary, 'glTF');
  await store.adopt(temporary, 'asset_2.glb');
  await store.confirm('asset_2.glb');
  const other = await store.temporary();
  await writeFile(other, 'glTF');
  await store.adopt(other, 'asset_3.glb');
  await store.delete('asset_3.glb');
  await expect(store.adopt(other, 'asset_4.glb')).rejects.toThrow();
  expect(await readdir(path.dirname(temporary))).toEqual([]);
});

test('adopts only its own temporary files', async () => {
  const folder = await temporaryFolder();
  const stranger = path.join(folder, 'stranger.glb');
  await writeFile(stranger, 'glTF');
  const store = new FileAssetStore(path.join(folder, 'data'));
  await expect(store.adopt(stranger, 'asset_1.glb')).rejects.toThrow('temporary');
  await expect(
    store.adopt(path.join(await store.temporary(), '../../../stranger.glb'), 'asset_1.glb'),
  ).rejects.toThrow();
  expect(await store.has('asset_1.glb')).toBe(false);
});

test('a sweep leaves files alone that are no keys', async () => {
  const store = new FileAssetStore(await temporaryFolder(), { clock: () => Date.now() + 1e9 });
  await store.put('asset_1.glb', Buffer.from('glTF'));
  const notes = path.join(path.dirname(store.path('asset_1.glb')), 'My notes.txt');
  await writeFile(notes, 'mine');
  expect(await store.sweep(1, async () => false)).toBe(1);
  expect((await stat(notes)).size).toBe(4);
});

test('a file in place of the folder is said in words', async () => {
  const file = path.join(await temporaryFolder(), 'data');
  await writeFile(file, '');
  await expect(new FileAssetStore(file).put('asset_1.glb', Buffer.from('glTF'))).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringContaining(file),
  });
});
