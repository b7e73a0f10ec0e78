import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pathError } from '../../src/jobs/path-policy.js';
import { readLocalFile, resolveWritable, saveFile } from '../../src/jobs/paths.js';

/**
 * base/
 *   home/              the home folder, open
 *     picture.png      "picture"
 *     sub/
 *     .secret/key.png
 *   outside/           not open
 *     key.png          "secret"
 */
let base: string;
let home: string;
let outside: string;

beforeEach(async () => {
  base = await realpath(await mkdtemp(path.join(os.tmpdir(), 'paths-')));
  home = path.join(base, 'home');
  outside = path.join(base, 'outside');
  for (const folder of [home, path.join(home, 'sub'), path.join(home, '.secret'), outside])
    await mkdir(folder);
  await writeFile(path.join(home, 'picture.png'), 'picture');
  await writeFile(path.join(home, '.secret', 'key.png'), 'secret');
  await writeFile(path.join(outside, 'key.png'), 'secret');
  vi.stubEnv('HOME', home);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(base, { recursive: true });
});

const read = async (input: string, dirs = [home], maxBytes = 1 << 20): Promise<string> =>
  (await readLocalFile(input, dirs, maxBytes)).bytes.toString();

const save = (
  input: string,
  options: {
    content?: Readable | Uint8Array;
    overwrite?: boolean;
    dirs?: string[];
    closedDirs?: string[];
  } = {},
): Promise<string> =>
  saveFile(input, {
    allowedDirs: options.dirs ?? [home],
    overwrite: options.overwrite ?? false,
    suggestedName: 'model.glb',
    content: options.content ?? Buffer.from('model'),
    closedDirs: options.closedDirs,
  });

/** No file but those of the set-up, in or out of the open folder. */
async function expectNothingWritten(): Promise<void> {
  expect((await readdir(base, { recursive: true })).toSorted()).toEqual([
    'home',
    'home/.secret',
    'home/.secret/key.png',
    'home/picture.png',
    'home/sub',
    'outside',
    'outside/key.png',
  ]);
}

describe('reading', () => {
  it('an absolute path, a home path and a file URL', async () => {
    await writeFile(path.join(home, 'größe 1%20.png'), 'odd name');
    expect(await read(path.join(home, 'picture.png'))).toBe('picture');
    expect(await read('~/picture.png')).toBe('picture');
    expect(await read(`${home}/sub/../picture.png`)).toBe('picture');
    expect(await read(pathToFileURL(path.join(home, 'größe 1%20.png')).href)).toBe('odd name');
    expect(await read(`file://localhost${home}/picture.png`)).toBe('picture');
  });

  it('through symbolic links that stay inside, also when the open folder is one', async () => {
    await symlink(path.join(home, 'picture.png'), path.join(home, 'sub', 'link.png'));
    await symlink(home, path.join(base, 'alias'));
    expect(await read('~/sub/link.png')).toBe('picture');
    expect(await read(path.join(base, 'alias', 'picture.png'))).toBe('picture');
    expect(await read(path.join(home, 'picture.png'), [path.join(base, 'alias')])).toBe('picture');
  });

  it.each([
    ['picture.png', /absolute path/],
    ['./picture.png', /absolute path/],
    ['../outside/key.png', /absolute path/],
    ['', /absolute path/],
    ['~root/picture.png', /home folder/],
    ['//server/share/picture.png', /another machine/],
    ['\\\\server\\share\\picture.png', /another machine/],
    ['file://server/share/picture.png', /three slashes/],
    ['file:///home%2Fpicture.png', /three slashes/],
    ['file:///tmp/a%00.png', /control character/],
    ['/tmp/a\0.png', /control character/],
    ['/tmp/a\n.png', /control character/],
  ])('%j is refused', async (input, why) => {
    await expect(read(input)).rejects.toMatchObject({
      code: 'path_refused',
      message: expect.stringMatching(why),
    });
  });

  it('what is outside, however it is reached, with the way out', async () => {
    await symlink(path.join(outside, 'key.png'), path.join(home, 'innocent.png'));
    await symlink(outside, path.join(home, 'gallery'));
    await symlink(path.join(home, 'gallery'), path.join(home, 'chain'));
    for (const input of [
      path.join(outside, 'key.png'),
      `${home}/../outside/key.png`,
      '~/../outside/key.png',
      `file://${home}/%2e%2e/outside/key.png`,
      '~/innocent.png',
      '~/gallery/key.png',
      '~/chain/key.png',
      `${home}side/key.png`,
      '/etc/passwd',
      '/proc/self/environ',
    ]) {
      await expect(read(input), input).rejects.toMatchObject({
        code: 'path_refused',
        message: expect.stringContaining(`(${home})`),
      });
      await expect(read(input), input).rejects.toThrow(/MESHWRIGHT_ALLOWED_DIRS/);
    }
  });

  it('what is hidden, unless that folder itself was opened', async () => {
    await symlink(path.join(home, '.secret'), path.join(home, 'visible'));
    for (const input of ['~/.secret/key.png', '~/visible/key.png', '~/sub/../.secret/key.png']) {
      await expect(read(input), input).rejects.toMatchObject({
        code: 'path_refused',
        message: expect.stringContaining('hidden'),
      });
    }
    expect(await read('~/.secret/key.png', [path.join(home, '.secret')])).toBe('secret');
    await mkdir(path.join(home, '.secret', '.deeper'));
    await writeFile(path.join(home, '.secret', '.deeper', 'a'), '');
    await expect(read('~/.secret/.deeper/a', [home, path.join(home, '.secret')])).rejects.toThrow(/hidden/);
  });

  it('says the same of closed places whether something is there or not', async () => {
    const refusals: string[] = [];
    for (const name of ['key.png', 'none.png', 'none/key.png', 'key.png/a', '']) {
      for (const folder of [outside, path.join(home, '.secret')]) {
        const input = path.join(folder, name);
        await read(input).catch((error: unknown) => {
          expect(error, input).toMatchObject({ code: 'path_refused' });
          refusals.push(String(error).replace(input, folder));
        });
      }
    }
    expect(refusals).toHaveLength(10);
    expect(new Set(refusals).size).toBe(2);
  });

  it('nothing at all where no folder is open', async () => {
    await expect(read('~/picture.png', [])).rejects.toMatchObject({
      code: 'path_refused',
      message: expect.stringContaining('MESHWRIGHT_ALLOWED_DIRS'),
    });
    await expect(read('~/picture.png', [path.join(base, 'missing')])).rejects.toMatchObject({
      code: 'path_refused',
    });
  });

  it('what is not there', async () => {
    await expect(read('~/none.png')).rejects.toMatchObject({ code: 'not_found' });
    await expect(read('~/none/none.png')).rejects.toMatchObject({ code: 'not_found' });
    await expect(read('~/picture.png/none.png')).rejects.toThrow(/is a file, not a folder/);
    await expect(read(`~/${'a'.repeat(300)}`)).rejects.toThrow(/too long/);
    await symlink('circle', path.join(home, 'circle'));
    await expect(read('~/circle')).rejects.toThrow(/circle/);
  });

  it('folders, pipes, sockets and devices', async () => {
    await promisify(execFile)('mkfifo', [path.join(home, 'pipe.png')]);
    const server = net.createServer().listen(path.join(home, 'socket.png'));
    await expect(read('~/sub')).rejects.toMatchObject({
      code: 'path_refused',
      message: expect.stringMatching(/folder/),
    });
    for (const [input, dirs] of [
      ['~/pipe.png', [home]],
      ['~/socket.png', [home]],
      ['/dev/zero', ['/dev']],
      ['/dev/tty', ['/dev']],
    ] satisfies [string, string[]][]) {
      await expect(read(input, dirs), input).rejects.toMatchObject({
        code: 'path_refused',
        message: expect.stringContaining('regular file'),
      });
    }
    server.close();
  });

  it('up to a size, before anything is read', async () => {
    expect(await read('~/picture.png', [home], 7)).toBe('picture');
    await expect(read('~/picture.png', [home], 6)).rejects.toMatchObject({ code: 'too_large' });
    await truncate(path.join(home, 'picture.png'), 1024 ** 4).catch(() =>
      truncate(path.join(home, 'picture.png'), 2 ** 31),
    );
    await expect(read('~/picture.png')).rejects.toMatchObject({ code: 'too_large' });
  });
});

describe('writing', () => {
  it('a file, or into a folder that exists', async () => {
    expect(await save('~/new.glb')).toBe(path.join(home, 'new.glb'));
    expect(await save('~/sub')).toBe(path.join(home, 'sub', 'model.glb'));
    expect(await save('~', { content: Readable.from([Buffer.from('mo'), Buffer.from('del')]) })).toBe(
      path.join(home, 'model.glb'),
    );
    expect(await save(pathToFileURL(`${home}/sub/b c.glb`).href)).toBe(path.join(home, 'sub', 'b c.glb'));
    for (const name of ['new.glb', 'sub/model.glb', 'model.glb', 'sub/b c.glb']) {
      expect(await readFile(path.join(home, name), 'utf8'), name).toBe('model');
    }
    expect((await readdir(home)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it.each([
    ['../../evil.glb', 'evil.glb'],
    ['..\\evil.glb', 'evil.glb'],
    ['.hidden', 'hidden'],
    ['a:b?.glb', 'a_b_.glb'],
    ['a\nb', 'a_b'],
    ['..', 'asset'],
    ['', 'asset'],
    [`${'a'.repeat(300)}.glb`, `${'a'.repeat(116)}.glb`],
  ])('under a suggested name of %j, made fit', async (suggestedName, name) => {
    const target = await resolveWritable('~/sub', [home], { overwrite: false, suggestedName });
    expect(target.path).toBe(path.join(home, 'sub', name));
  });

  it('over nothing, unless told to', async () => {
    await expect(save('~/picture.png')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('overwrite'),
    });
    expect(await readFile(path.join(home, 'picture.png'), 'utf8')).toBe('picture');
    await save('~/picture.png', { overwrite: true });
    expect(await readFile(path.join(home, 'picture.png'), 'utf8')).toBe('model');
    await expect(save('~/sub/', { overwrite: true })).resolves.toBe(path.join(home, 'sub', 'model.glb'));
    await expect(save('~/sub/')).rejects.toMatchObject({ code: 'conflict' });
  });

  it('over a folder, pipe or device never', async () => {
    await mkdir(path.join(home, 'sub', 'model.glb'));
    await promisify(execFile)('mkfifo', [path.join(home, 'pipe')]);
    await expect(save('~/sub', { overwrite: true })).rejects.toMatchObject({ code: 'path_refused' });
    await expect(save('~/pipe', { overwrite: true })).rejects.toMatchObject({ code: 'path_refused' });
    await expect(save('/dev/null', { overwrite: true, dirs: ['/dev'] })).rejects.toMatchObject({
      code: 'path_refused',
    });
  });

  it('replaces a symbolic link, not what it points to', async () => {
    const victim = path.join(outside, 'key.png');
    await symlink(victim, path.join(home, 'link.glb'));
    await expect(save('~/link.glb')).rejects.toMatchObject({ code: 'conflict' });
    await save('~/link.glb', { overwrite: true });
    expect(await readFile(victim, 'utf8')).toBe('secret');
    expect((await lstat(path.join(home, 'link.glb'))).isSymbolicLink()).toBe(false);
  });

  it('replaces the name, not a file that shares its bytes', async () => {
    await link(path.join(home, 'picture.png'), path.join(home, 'other.png'));
    await save('~/picture.png', { overwrite: true });
    expect(await readFile(path.join(home, 'other.png'), 'utf8')).toBe('picture');
  });

  it.each([
    ['model.glb', 'path_refused'],
    ['~/missing/model.glb', 'not_found'],
    ['~/missing/', 'not_found'],
    ['~/picture.png/model.glb', 'path_refused'],
    ['~/.model.glb', 'path_refused'],
    ['~/.secret/model.glb', 'path_refused'],
    ['~/.secret', 'path_refused'],
    ['~/../outside/model.glb', 'path_refused'],
    ['~/../outside', 'path_refused'],
    ['~/../missing/model.glb', 'path_refused'],
    [`~/${'a'.repeat(300)}`, 'path_refused'],
  ])('to %s is %s and leaves nothing', async (input, code) => {
    await expect(save(input, { overwrite: true })).rejects.toMatchObject({ code });
    await expectNothingWritten();
  });

  it('through a symbolic link out of the open folder is refused', async () => {
    await symlink(outside, path.join(home, 'gallery'));
    for (const input of ['~/gallery', '~/gallery/', '~/gallery/model.glb', '~/gallery/key.png']) {
      await expect(save(input, { overwrite: true }), input).rejects.toMatchObject({ code: 'path_refused' });
    }
    expect(await readdir(outside)).toEqual(['key.png']);
  });

  it('into the folder where meshwright keeps its own data is refused', async () => {
    const closedDirs = [path.join(home, 'sub')];
    await expect(save('~/sub', { closedDirs })).rejects.toMatchObject({ code: 'path_refused' });
    await expect(save('~/sub/jobs.db', { closedDirs, overwrite: true })).rejects.toMatchObject({
      code: 'path_refused',
    });
    await expect(save('~/subtle.glb', { closedDirs })).resolves.toBe(path.join(home, 'subtle.glb'));
  });

  it('twenty at once to one name: one succeeds, whole', async () => {
    const contents = Array.from({ length: 20 }, (_, index) => Buffer.alloc(100_000, index + 1));
    const results = await Promise.allSettled(contents.map((content) => save('~/race.glb', { content })));
    const won = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    expect(won).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
    }
    expect(
      (await readFile(path.join(home, 'race.glb'))).equals(contents[won[0] ?? -1] ?? Buffer.alloc(0)),
    ).toBe(true);
    expect((await readdir(home)).toSorted()).toEqual(['.secret', 'picture.png', 'race.glb', 'sub']);
  });

  it('a source that fails leaves the old file whole', async () => {
    const broken = Readable.from(
      (function* () {
        yield Buffer.from('half');
        throw new Error('the source broke');
      })(),
    );
    await expect(save('~/picture.png', { overwrite: true, content: broken })).rejects.toThrow(
      'the source broke',
    );
    await expect(
      save('~/picture.png', { overwrite: true, content: createReadStream(path.join(base, 'missing')) }),
    ).rejects.toThrow(/missing/);
    expect(await readFile(path.join(home, 'picture.png'), 'utf8')).toBe('picture');
    await expectNothingWritten();
  });

  it('a source that fails while the path is refused harms nobody', async () => {
    const content = createReadStream(path.join(base, 'missing'));
    await expect(save('/etc/model.glb', { content })).rejects.toMatchObject({ code: 'path_refused' });
    expect(content.destroyed).toBe(true);
  });

  it('a folder that may not be written to, in words', async () => {
    const sealed = path.join(home, 'sub');
    await chmod(sealed, 0o555);
    // The superuser is stopped by no mode, but by the kernel's own file systems.
    const place = process.getuid?.() === 0 ? '/sys/kernel' : sealed;
    await expect(save(path.join(place, 'model.glb'), { dirs: [place] })).rejects.toMatchObject({
      code: 'path_refused',
      message: expect.stringMatching(/permission denied|read-only/),
    });
    await chmod(sealed, 0o755);
  });
});

describe('what the file system says, in words', () => {
  const roots = [{ given: '/data', real: '/data' }];
  it.each([
    ['ENOSPC', 'storage', /disk is full/],
    ['EDQUOT', 'storage', /disk is full/],
    ['EROFS', 'path_refused', /read-only/],
    ['EACCES', 'path_refused', /permission denied/],
    ['EPERM', 'path_refused', /permission denied/],
    ['EIO', 'path_refused', /EIO/],
  ])('%s', (code, expected, words) => {
    const error = Object.assign(new Error('from the system'), { code });
    expect(pathError(error, '/data/model.glb', roots, 'written')).toMatchObject({
      code: expected,
      message: expect.stringMatching(words),
    });
  });

  it('a defect stays one', () => {
    const defect = new TypeError('x is undefined');
    expect(pathError(defect, '/data/model.glb', roots, 'written')).toBe(defect);
  });
});
