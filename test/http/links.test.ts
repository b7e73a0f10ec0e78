import fc from 'fast-check';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Links, openLinks } from '../../src/http/links.js';

const NOW = 1_800_000_000;
const PATH = '/assets/asset_00000000000000000000000001/mug.glb';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'meshwright-links-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function check(links: Links, link: string, now = NOW): string {
  const url = new URL(link, 'http://x');
  return links.check(url.pathname, url.searchParams, now);
}

describe('a signed link', () => {
  const links = new Links(Buffer.alloc(32, 7));

  it('is good until it ends, and says so afterwards', () => {
    const link = links.sign(PATH, NOW + 60);
    expect(check(links, link)).toBe('valid');
    expect(check(links, link, NOW + 59)).toBe('valid');
    expect(check(links, link, NOW + 60)).toBe('expired');
  });

  it.each([
    ['another file', (link: string) => link.replace('0001', '0002')],
    ['another name', (link: string) => link.replace('mug', 'cup')],
    ['a later end', (link: string) => link.replace(String(NOW + 60), String(NOW + 61))],
    ['an end of another spelling', (link: string) => link.replace(String(NOW + 60), `0${NOW + 60}`)],
    ['no end', (link: string) => link.replace(/exp=\d+&/, '')],
    ['no signature', (link: string) => link.replace(/&sig=.*/, '')],
    ['half a signature', (link: string) => link.slice(0, -10)],
    ['a longer signature', (link: string) => `${link}A`],
  ])('is refused with %s', (_what, change) => {
    const link = links.sign(PATH, NOW + 60);
    expect(check(links, change(link))).toBe('invalid');
  });

  it('is refused after any change of one character', () => {
    const link = links.sign(PATH, NOW + 60);
    fc.assert(
      fc.property(
        fc.nat(link.length - 1),
        fc.constantFrom('a', 'b', 'Z', '0', '1', '9', '-', '_', '&', '=', '/'),
        (at, character) => {
          const changed = link.slice(0, at) + character + link.slice(at + 1);
          fc.pre(changed !== link);
          expect(check(links, changed)).toBe('invalid');
        },
      ),
    );
  });

  it('is refused by a server with another key', () => {
    expect(check(new Links(Buffer.alloc(32, 8)), links.sign(PATH, NOW + 60))).toBe('invalid');
  });
});

describe('a seal', () => {
  it('fits its own text only, and none of another server', () => {
    const links = new Links(Buffer.alloc(32, 7));
    const seal = links.seal('fal job_1');
    expect(links.isSealed('fal job_1', seal)).toBe(true);
    for (const [text, given] of [
      ['fal job_2', seal],
      ['pixazo job_1', seal],
      ['fal job_1', seal.slice(1)],
      ['fal job_1', ''],
      ['fal job_1', `${seal.slice(0, -1)}${seal.endsWith('A') ? 'B' : 'A'}`],
    ] as const) {
      expect(links.isSealed(text, given)).toBe(false);
    }
    expect(new Links(Buffer.alloc(32, 8)).isSealed('fal job_1', seal)).toBe(false);
  });
});

describe('the key of a data folder', () => {
  it('is made once, for its owner only, and shared by all servers on the folder', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => openLinks(folder)));
    const link = all[0]?.sign(PATH, NOW + 60) ?? '';
    for (const links of all) expect(check(links, link)).toBe('valid');
    expect(check(await openLinks(folder), link)).toBe('valid');
    const { mode } = await stat(path.join(folder, 'link.key'));
    expect(mode & 0o077).toBe(0);
    expect(await readFile(path.join(folder, 'link.key'))).toHaveLength(32);
  });

  it('that is damaged is named with what to do', async () => {
    await writeFile(path.join(folder, 'link.key'), 'short');
    await expect(openLinks(folder)).rejects.toThrow(/link\.key.*delete it/);
  });

  it('in a folder that cannot be one: the folder is named, and what to do', async () => {
    await writeFile(path.join(folder, 'file'), '');
    await expect(openLinks(path.join(folder, 'file'))).rejects.toThrow(/file cannot be.*MESHWRIGHT_DATA_DIR/);
  });
});
