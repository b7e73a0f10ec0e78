import { createHash } from 'node:crypto';
import { utimes, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { AssetStore } from '../../../src/store/types.js';

const HOUR = 3_600_000;

/**
 * What every AssetStore promises.
 *
 * @param open An empty store, and how to move its clock on by milliseconds.
 */
export function assetStoreSuite(
  name: string,
  open: () => Promise<{ store: AssetStore; pass: (ms: number) => void }>,
): void {
  const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, n) => n % 251));

  describe(`${name}: files`, () => {
    test('what was put is read again, whole and in ranges', async () => {
      const { store } = await open();
      await store.put('asset_1.glb', bytes);
      expect(await store.has('asset_1.glb')).toBe(true);
      expect(await store.read('asset_1.glb')).toEqual(bytes);
      const range = (start: number, end: number): Promise<Buffer> =>
        store.read('asset_1.glb', { start, end });
      expect(await range(0, 0)).toEqual(bytes.subarray(0, 1));
      expect(await range(10, 19)).toEqual(bytes.subarray(10, 20));
      expect(await range(990, 5_000)).toEqual(bytes.subarray(990));
      expect(await range(1_000, 1_010)).toHaveLength(0);
    });

    test('an empty file is a file', async () => {
      const { store } = await open();
      await store.put('asset_1.bin', new Uint8Array());
      expect(await store.has('asset_1.bin')).toBe(true);
      expect(await store.read('asset_1.bin')).toHaveLength(0);
    });

    test('a temporary file is adopted as it is', async () => {
      const { store } = await open();
      const [first, second] = [await store.temporary(), await store.temporary()];
      expect(first).not.toBe(second);
      await writeFile(first, bytes);
      expect(await store.has('asset_1.glb')).toBe(false);
      await store.adopt(first, 'asset_1.glb');
      expect(await store.read('asset_1.glb')).toEqual(bytes);
    });

    test('what is put twice is replaced', async () => {
      const { store } = await open();
      await store.put('input_a.png', bytes);
      await store.put('input_a.png', bytes.subarray(0, 7));
      expect(await store.read('input_a.png')).toEqual(bytes.subarray(0, 7));
    });

    test('what is not there is said so, and deleting it is no error', async () => {
      const { store } = await open();
      expect(await store.has('asset_1.glb')).toBe(false);
      await expect(store.read('asset_1.glb')).rejects.toMatchObject({ code: 'not_found' });
      await store.delete('asset_1.glb');
      await store.put('asset_1.glb', bytes);
      await store.delete('asset_1.glb');
      expect(await store.has('asset_1.glb')).toBe(false);
    });

    test.each([
      '',
      '.',
      '..',
      '../a.glb',
      'a/b.glb',
      'a\\b.glb',
      '.hidden',
      'a..glb',
      'a.b.c',
      'a.glb\0',
      '/etc/passwd',
      'a b',
      'C:a',
    ])('refuses the key %j', async (key) => {
      const { store } = await open();
      const refusal = { code: 'invalid_arguments' };
      await expect(store.put(key, bytes)).rejects.toMatchObject(refusal);
      await expect(store.read(key)).rejects.toMatchObject(refusal);
      await expect(store.has(key)).rejects.toMatchObject(refusal);
      await expect(store.touch(key)).rejects.toMatchObject(refusal);
      await expect(store.delete(key)).rejects.toMatchObject(refusal);
      await expect(store.adopt(await store.temporary(), key)).rejects.toMatchObject(refusal);
      expect(() => store.path(key)).toThrow('key');
    });

    test('a file is never seen half written', async () => {
      const { store } = await open();
      const large = Buffer.alloc(6_000_000, 'meshwright');
      const wanted = createHash('sha256').update(large).digest('hex');
      const writing = store.put('asset_1.glb', large);
      while (!(await store.has('asset_1.glb')));
      const seen = await store.read('asset_1.glb');
      expect(createHash('sha256').update(seen).digest('hex')).toBe(wanted);
      await writing;
    });
  });

  describe(`${name}: sweep`, () => {
    test('removes old files that nobody uses, and old temporary files', async () => {
      const { store, pass } = await open();
      for (const key of ['asset_used.glb', 'asset_lost.glb', 'input_lost.png']) await store.put(key, bytes);
      const temporary = await store.temporary();
      await writeFile(temporary, bytes);
      pass(2 * HOUR);
      const asked: string[] = [];
      const isUsed = async (key: string): Promise<boolean> => {
        asked.push(key);
        return key === 'asset_used.glb';
      };
      expect(await store.sweep(HOUR, isUsed)).toBe(3);
      expect(asked.toSorted()).toEqual(['asset_lost.glb', 'asset_used.glb', 'input_lost.png']);
      expect(await store.read('asset_used.glb')).toEqual(bytes);
      expect(await store.has('asset_lost.glb')).toBe(false);
      await expect(store.adopt(temporary, 'asset_late.glb')).rejects.toThrow();
      expect(await store.sweep(HOUR, isUsed)).toBe(0);
    });

    test('leaves young files alone: their rows may be on the way', async () => {
      const { store, pass } = await open();
      await store.put('asset_new.glb', bytes);
      const temporary = await store.temporary();
      await writeFile(temporary, bytes);
      pass(HOUR / 2);
      expect(await store.sweep(HOUR, async () => false)).toBe(0);
      await store.adopt(temporary, 'asset_1.glb');
      expect(await store.has('asset_new.glb')).toBe(true);
    });

    test('leaves what a living process announced, however long its row takes', async () => {
      const { store, pass } = await open();
      const temporary = await store.temporary();
      await writeFile(temporary, bytes);
      await store.adopt(temporary, 'asset_1.glb');
      pass(2 * HOUR);
      expect(await store.sweep(HOUR, async () => false)).toBe(0);
      expect(await store.read('asset_1.glb')).toEqual(bytes);
      await store.confirm('asset_1.glb');
      expect(await store.sweep(HOUR, async () => false)).toBe(1);
    });

    test('what is touched is young again', async () => {
      const { store, pass } = await open();
      await store.put('input_a.png', bytes);
      pass(2 * HOUR);
      expect(await store.touch('input_a.png')).toBe(true);
      expect(await store.sweep(HOUR, async () => false)).toBe(0);
      expect(await store.read('input_a.png')).toEqual(bytes);
      pass(2 * HOUR);
      expect(await store.sweep(HOUR, async () => false)).toBe(1);
      expect(await store.touch('input_a.png')).toBe(false);
      expect(await store.has('input_a.png')).toBe(false);
    });

    test('what is touched while a sweep is about to remove it stays', async () => {
      const { store, pass } = await open();
      await store.put('input_a.png', bytes);
      pass(2 * HOUR);
      const isUsed = async (key: string): Promise<boolean> => {
        expect(await store.touch(key)).toBe(true);
        return false;
      };
      expect(await store.sweep(HOUR, isUsed)).toBe(0);
      expect(await store.read('input_a.png')).toEqual(bytes);
    });

    test('a file that took long to write is young when it is published', async () => {
      const { store } = await open();
      const temporary = await store.temporary();
      await writeFile(temporary, bytes);
      const longAgo = new Date(Date.now() - 5 * HOUR);
      await utimes(temporary, longAgo, longAgo);
      await store.adopt(temporary, 'asset_1.glb');
      expect(await store.sweep(HOUR, async () => false)).toBe(0);
    });

    test('leaves what is announced to whoever announced it', async () => {
      const { store } = await open();
      for (const key of ['asset_1.glb', 'asset_2.glb', 'asset_3.glb']) {
        await store.announce(key);
        await store.put(key, bytes);
      }
      await store.confirm('asset_2.glb');
      await store.delete('asset_3.glb');
      expect(await store.sweep(HOUR, async () => false)).toBe(0);
      for (const key of ['asset_1.glb', 'asset_2.glb']) expect(await store.has(key)).toBe(true);
    });

    test('an empty store has nothing to sweep', async () => {
      const { store } = await open();
      expect(await store.sweep(0, async () => false)).toBe(0);
    });
  });
}
