import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { run } from './support.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  file = path.join(folder, 'a-file');
  await writeFile(file, 'mine');
});
afterAll(() => removeFolder(folder));

describe('a token file that cannot be written is told of in a sentence', () => {
  it.runIf(process.platform === 'linux')('where the data folder cannot be made', async () => {
    const { code, stdout, stderr } = await run('/proc/x', ['token', 'add', 'ada']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^meshwright: The data folder \/proc\/x cannot be made: .*Set MESHWRIGHT_DATA_DIR/,
    );
    expect(stderr).toBe((await run('/proc/x', ['jobs'])).stderr);
  });

  it('where there is a file in the place of the data folder', async () => {
    const { code, stdout, stderr } = await run(file, ['token', 'add', 'ada']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${file} cannot be the data folder: there is a file in its place.`);
    expect(stderr).toBe((await run(file, ['jobs'])).stderr);
  });

  it('where there is a file in the place of another folder', async () => {
    const tokens = path.join(file, 'who.json');
    const { code, stdout, stderr } = await run(folder, ['token', 'add', 'ada', '--tokens', tokens]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `meshwright: The token file ${tokens} cannot be written: there is a file in the place of its folder. ` +
        'Name another file with --tokens (MESHWRIGHT_TOKENS), or leave that out to use tokens.json in the data folder.\n',
    );
    expect(await readdir(folder)).toEqual(['a-file']);
  });
});

describe('a token that reads the figures', () => {
  it.each([
    ['is said to be able to spend', [], true],
    ['is not when it cannot', ['--max-usd-per-day', '0'], false],
  ])('%s', async (_what, caps, told) => {
    const home = await temporaryFolder();
    const { code, stdout, stderr } = await run(home, ['token', 'add', 'watcher', '--metrics', ...caps]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^mw_\S+\n$/) });
    expect(stderr.includes('may also generate and spend')).toBe(told);
    expect(stderr.includes('--max-usd-per-day 0')).toBe(told);
    await removeFolder(home);
  });
});

describe('token list', () => {
  it('shows the caps of each, and who may read the figures of all', async () => {
    const tokens = ['--tokens', path.join(folder, 'listed', 'tokens.json')];
    await run(folder, ['token', 'add', 'ada', '--metrics', '--max-usd-per-day', '10', ...tokens]);
    await run(folder, ['token', 'add', 'bob', ...tokens]);
    const { code, stdout } = await run(folder, ['token', 'list', ...tokens]);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['name', 'cap per job', 'cap per day', 'metrics', 'own keys'],
      ['ada', '–', '$10', 'yes', '–'],
      ['bob', '–', '–', '–', '–'],
      [''],
    ]);
    const json = await run(folder, ['token', 'list', '--json', ...tokens]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      principals: [
        { name: 'ada', metrics: true },
        { name: 'bob', metrics: false },
      ],
    });
  });
});
