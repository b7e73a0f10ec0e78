import { stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../src/store/folder.js';
import { temporaryFolder } from './support/folder.js';

it('makes a folder and those above it, also for several callers at once', async () => {
  const base = await temporaryFolder();
  for (let round = 0; round < 50; round++) {
    const folders = ['a', 'b', 'c'].map((name) => path.join(base, String(round), 'deep', name));
    await Promise.all([...folders, ...folders].map((folder) => makeFolder(folder)));
    for (const folder of folders) expect((await stat(folder)).isDirectory()).toBe(true);
  }
});
