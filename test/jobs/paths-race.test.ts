import { execFile } from 'node:child_process';
import type * as FileSystem from 'node:fs/promises';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readLocalFile, saveFile } from '../../src/jobs/paths.js';

/**
 * Somebody swaps a folder for a symbolic link at the worst moment: after a path was checked, right before the
 * file system is asked to do something with it.
 *
 * base/open/album/deep/key.png   "harmless"
 * base/outside/deep/key.png      "secret"
 */
const attack = vi.hoisted((): { before: (call: string, path: string) => Promise<void> } => ({
  before: () => Promise.resolve(),
}));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>();
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      await attack.before('open', String(args[0]));
      return real.open(...args);
    },
    link: async (...args: Parameters<typeof real.link>) => {
      await attack.before('link', String(args[1]));
      return real.link(...args);
    },
    rename: async (...args: Parameters<typeof real.rename>) => {
      await attack.before('rename', String(args[1]));
      return real.rename(...args);
    },
  };
});

let base: string;
let open: string;
let outside: string;

beforeEach(async () => {
  base = await realpath(await mkdtemp(path.join(os.tmpdir(), 'paths-race-')));
  open = path.join(base, 'open');
  outside = path.join(base, 'outside');
  await mkdir(path.join(open, 'album', 'deep'), { recursive: true });
  await mkdir(path.join(outside, 'deep'), { recursive: true });
  await writeFile(path.join(open, 'album', 'deep', 'key.png'), 'harmless');
  await writeFile(path.join(outside, 'deep', 'key.png'), 'secret');
});

afterEach(async () => {
  attack.before = () => Promise.resolve();
  await rm(base, { recursive: true });
});

/** Once, before the first call that `when` picks: moves `from` aside and puts a link to `to` in its place. */
function swap(from: string, to: string, when: (call: string, path: string) => boolean): void {
  attack.before = async (call, file) => {
    if (!when(call, file)) return;
    attack.before = () => Promise.resolve();
    await rename(from, `${from}-aside`);
    await symlink(to, from);
  };
}

it.each([
  ['the file', 'album/deep/key.png', 'deep/key.png'],
  ['its folder', 'album/deep', 'deep'],
  ['a folder further up', 'album', '.'],
])('%s, before it is read: what was not checked is not read', async (_what, from, to) => {
  swap(path.join(open, from), path.join(outside, to), (call) => call === 'open');
  await expect(readLocalFile(path.join(open, 'album/deep/key.png'), [open], 1000)).rejects.toMatchObject({
    code: 'path_refused',
  });
});

it('a pipe in place of the file: nobody waits for somebody to write into it', async () => {
  const file = path.join(open, 'album/deep/key.png');
  attack.before = async () => {
    attack.before = () => Promise.resolve();
    await rm(file);
    await promisify(execFile)('mkfifo', [file]);
  };
  await expect(readLocalFile(file, [open], 1000)).rejects.toMatchObject({ code: 'path_refused' });
});

it.each([
  ['its folder', 'album/deep', 'deep'],
  ['a folder further up', 'album', '.'],
])('%s, before a file is written: nothing is written outside', async (_what, from, to) => {
  swap(path.join(open, from), path.join(outside, to), (call) => call === 'open');
  await expect(save()).rejects.toMatchObject({ code: 'path_refused' });
  expect(await readdir(outside, { recursive: true })).toEqual(['deep', 'deep/key.png']);
});

// Only Linux lets a process hold on to a folder by its number.
it.runIf(process.platform === 'linux').each([
  ['the bytes', false, (call: string, file: string) => call === 'open' && file.endsWith('.part')],
  ['the name', false, (call: string) => call === 'link'],
  ['the replacement', true, (call: string, file: string) => call === 'rename' && file.endsWith('key.png')],
])('its folder, before %s: the file stays in the folder that was checked', async (_what, overwrite, when) => {
  swap(path.join(open, 'album/deep'), path.join(outside, 'deep'), when);
  await save(overwrite);
  expect(await readdir(path.join(outside, 'deep'))).toEqual(['key.png']);
  const kept = await readdir(path.join(open, 'album/deep-aside'));
  expect(kept.toSorted()).toEqual(overwrite ? ['key.png'] : ['key.png', 'model.glb']);
});

function save(overwrite = false): Promise<string> {
  return saveFile(path.join(open, 'album/deep', overwrite ? 'key.png' : 'model.glb'), {
    allowedDirs: [open],
    overwrite,
    suggestedName: 'model.glb',
    content: Buffer.from('model'),
  });
}

it('a file system without hard links: still only one of many gets the name', async () => {
  attack.before = (call) =>
    call === 'link'
      ? Promise.reject(Object.assign(new Error('no links here'), { code: 'EPERM' }))
      : Promise.resolve();
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => save()));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
  }
  expect(await readdir(path.join(open, 'album/deep'))).toEqual(['key.png', 'model.glb']);
  expect(await readFile(path.join(open, 'album/deep/model.glb'), 'utf8')).toBe('model');
});
