import { mkdir, symlink, truncate, writeFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { openSqlite } from '../../src/store/sqlite.js';
import {
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../support/clients.js';
import { ballPng, dataUri } from '../support/images.js';

/** One server gets everything that is wrong, and still does its work at the end. */

let folder: string;
let client: TestClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(path.join(folder, 'open'));
  client = await connect(
    'v1',
    serverEnv(path.join(folder, 'data'), { MESHWRIGHT_ALLOWED_DIRS: path.join(folder, 'open') }),
  );
});
afterAll(async () => {
  await client.close();
  await removeFolder(folder);
});

const generate = (args: Record<string, unknown>): Promise<ToolResult> =>
  client.call('local_image_to_3d', { texture_size: 1024, target_triangles: 2000, ...args });

function refusal(result: ToolResult): Record<string, unknown> {
  const answer: unknown = JSON.parse(result.text.split('\n')[0] ?? '');
  return isRecord(answer) && isRecord(answer['error']) ? answer['error'] : {};
}

/** A refusal: an error with a sentence that helps, no charge, and a next step. */
async function refused(
  args: Record<string, unknown>,
  code: string,
  sentence: RegExp,
  field?: string,
): Promise<void> {
  const result = await generate(args);
  expect(result.isError, result.text).toBe(true);
  expect(refusal(result)).toMatchObject({ code, charged: 'no', ...(field === undefined ? {} : { field }) });
  expect(String(refusal(result)['message'])).toMatch(sentence);
  expect(result.text).toMatch(/"next":"\S/);
}

const flat = (width: number, height: number, alpha: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 30, b: 30, alpha } } })
    .png()
    .toBuffer();

/** A PNG whose header claims a size that its data does not have. */
async function claiming(width: number, height: number): Promise<Buffer> {
  const png = Buffer.from(await flat(8, 8, 1));
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  return png;
}

describe('an image', () => {
  it.each([
    ['that is text', () => Buffer.from('hello, I am no image'), /PNG|image/i],
    ['that is empty', () => Buffer.alloc(0), /empty|no bytes|nothing/i],
    [
      'that is cut',
      async () => (await ballPng(1)).subarray(0, 900),
      /cut|truncated|damaged|incomplete|complete/i,
    ],
    ['of 200 megapixels', () => claiming(20_000, 10_000), /megapixel/i],
    ['of no pixels', () => claiming(0, 10), /./],
    [
      'that is an SVG',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'),
      /SVG/,
    ],
    ['that is a web page', () => Buffer.from('<!doctype html><title>no</title>'), /HTML|web page/i],
  ])('%s is refused', async (_name, make, sentence) => {
    await refused({ image_url: dataUri(Buffer.from(await make())) }, 'invalid_image', sentence, 'image_url');
  });

  it.each([
    ['all transparent', () => flat(64, 64, 0), /transparent|empty|object/i],
    ['all one colour', () => flat(64, 64, 1), /background|fills|cover|object/i],
  ])('with %s fails with the way out', async (_name, make, sentence) => {
    const result = await generate({ image_url: dataUri(await make()) });
    expect(result.isError).toBe(true);
    expect(result.text).toMatch(sentence);
    expect(refusal(result)).toMatchObject({ charged: 'no' });
  });

  it.each([
    [
      'in CMYK',
      async () => ({
        bytes: await sharp(await ballPng(2))
          .toColourspace('cmyk')
          .jpeg()
          .toBuffer(),
        type: 'image/jpeg',
      }),
    ],
    [
      'with 16 bits',
      async () => ({
        bytes: await sharp(await ballPng(2))
          .toColourspace('rgb16')
          .png()
          .toBuffer(),
        type: 'image/png',
      }),
    ],
    [
      'turned by EXIF',
      async () => ({
        bytes: await sharp(await ballPng(2))
          .jpeg()
          .withMetadata({ orientation: 6 })
          .toBuffer(),
        type: 'image/jpeg',
      }),
    ],
    [
      'in AVIF',
      async () => ({
        bytes: await sharp(await ballPng(2))
          .avif({ effort: 0 })
          .toBuffer(),
        type: 'image/avif',
      }),
    ],
    [
      'that moves',
      async () => ({
        bytes: await sharp([await ballPng(2), await ballPng(3)], { join: { animated: true } })
          .gif()
          .toBuffer(),
        type: 'image/gif',
      }),
    ],
  ])('%s is taken', async (_name, make) => {
    const { bytes, type } = await make();
    const result = await generate({ image_url: dataUri(bytes, type), force_new: true });
    expect(result.structured, result.text).toMatchObject({ status: 'succeeded' });
  });

  it('that shows another object than the front is used, and the answer says that they do not fit', async () => {
    const tall = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#fff' } })
      .composite([
        {
          input: await sharp({ create: { width: 190, height: 12, channels: 3, background: '#204080' } })
            .png()
            .toBuffer(),
          left: 5,
          top: 90,
        },
      ])
      .png()
      .toBuffer();
    const result = await generate({ image_url: dataUri(await ballPng(4)), back_image_url: dataUri(tall) });
    expect(result.structured).toMatchObject({ status: 'succeeded' });
    expect(JSON.stringify(result.structured?.['report'])).toMatch(/different|disagree|same object|fit/i);
  });
});

describe('arguments', () => {
  it.each([
    [{ image: 'x' }, /no argument `image`; it takes: image_url/],
    [{ shape: 'round' }, /`shape` must be one of auto, inflate, lathe, extrude/],
    [{ texture_size: 512 }, /`texture_size` must be one of 1024, 2048/],
    [{ target_triangles: 1 }, /`target_triangles` must be a whole number from/],
    [{ wait_seconds: 601 }, /`wait_seconds` must be a number from 0 to 600/],
  ])('%j are refused with what to send instead', async (args, sentence) => {
    await refused({ image_url: dataUri(await ballPng(1)), ...args }, 'invalid_arguments', sentence);
  });

  it('without an image say what is missing', async () => {
    await refused({}, 'invalid_arguments', /`image_url` is missing/, 'image_url');
  });
});

describe('a path', () => {
  it('outside the open folders, in a hidden one, or behind a link that leaves them is not read', async () => {
    const outside = path.join(folder, 'secret.png');
    await writeFile(outside, await ballPng(1));
    await mkdir(path.join(folder, 'open', '.hidden'));
    await writeFile(path.join(folder, 'open', '.hidden', 'a.png'), await ballPng(1));
    await symlink(outside, path.join(folder, 'open', 'link.png'));
    for (const image of [
      outside,
      path.join(folder, 'open', '..', 'secret.png'),
      path.join(folder, 'open', 'link.png'),
      path.join(folder, 'open', '.hidden', 'a.png'),
      `file://${outside}`,
      '/etc/passwd',
      path.join(homedir(), '.ssh', 'id_rsa'),
    ]) {
      await refused({ image_url: image }, 'path_refused', /MESHWRIGHT_ALLOWED_DIRS|hidden/, 'image_url');
    }
  });

  it('that is not there, is a folder, or is relative says so', async () => {
    await refused(
      { image_url: path.join(folder, 'open', 'nothing.png') },
      'not_found',
      /no file|not there|does not exist/i,
    );
    await refused({ image_url: path.join(folder, 'open') }, 'path_refused', /folder/);
    await refused({ image_url: 'picture.png' }, 'path_refused', /absolute|path/);
  });

  it('in the open folders is read', async () => {
    const file = path.join(folder, 'open', 'ball.png');
    await writeFile(file, await ballPng(6));
    expect((await generate({ image_url: file })).structured).toMatchObject({ status: 'succeeded' });
  });

  it('is no way to overwrite or to leave the folders when a file is saved', async () => {
    const made = await generate({ image_url: dataUri(await ballPng(7)) });
    const assetId = /asset_[0-9a-z]{26}/.exec(made.text)?.[0];
    const save = (target: string, more = {}): Promise<ToolResult> =>
      client.call('save_asset', { asset_id: assetId, path: target, ...more });
    const taken = path.join(folder, 'open', 'taken.glb');
    await writeFile(taken, 'mine');
    expect((await save(taken)).text).toMatch(/conflict.*overwrite/);
    expect((await save(path.join(folder, 'outside.glb'))).text).toMatch(
      /path_refused.*MESHWRIGHT_ALLOWED_DIRS/,
    );
    expect((await save(path.join(folder, 'open', 'no', 'folder', 'a.glb'))).isError).toBe(true);
    expect((await save(path.join(folder, 'data', 'jobs.db'), { overwrite: true })).isError).toBe(true);
    expect((await save(taken, { overwrite: true })).isError).toBe(false);
    expect((await save(path.join(folder, 'open'))).structured?.['path']).toMatch(/open\/.+\.glb$/);
    const stored = /"path":"([^"]+\.glb)"/.exec(made.text)?.[1] ?? '';
    await rm(stored);
    expect((await save(path.join(folder, 'open', 'late.glb'))).text).toMatch(
      /not_found.*not in the data folder/,
    );
  });
});

describe('a URL', () => {
  it.each([
    'http://example.com/a.png',
    'https://127.0.0.1/a.png',
    'https://[::1]/a.png',
    'https://169.254.169.254/latest',
    'ftp://example.com/a',
    'javascript:alert(1)',
  ])('%s is not fetched', async (url) => {
    const result = await generate({ image_url: url });
    expect(result.isError).toBe(true);
    expect(refusal(result)).toMatchObject({ charged: 'no' });
  });
});

describe('a data folder', () => {
  it('of a newer version, of another program, or cut by a full disk is named, and tools/list still answers', async () => {
    const newer = path.join(folder, 'newer');
    await mkdir(newer);
    const first = await connect('v1', serverEnv(newer));
    await first.call('list_jobs', {});
    await first.close();
    const db = await openSqlite(path.join(newer, 'jobs.db'));
    db.exec('pragma user_version = 99');
    db.close();
    const damaged = path.join(folder, 'damaged');
    await mkdir(damaged);
    await writeFile(
      path.join(damaged, 'jobs.db'),
      'this is no database, it is a text that is long enough to be looked at '.repeat(100),
    );
    await truncate(path.join(damaged, 'jobs.db'), 5000);
    for (const [dataDir, sentence] of [
      [newer, /newer meshwright.*Update meshwright/],
      [damaged, /data folder|jobs\.db/],
    ] as const) {
      const other = await connect('v1', serverEnv(dataDir));
      const result = await other.call('local_image_to_3d', { image_url: dataUri(await ballPng(1)) });
      expect(refusal(result)).toMatchObject({ code: 'storage', charged: 'no' });
      expect(String(refusal(result)['message'])).toMatch(sentence);
      expect((await other.listTools()).length).toBeGreaterThan(5);
      await other.close();
    }
  });
});

it('and the server still works afterwards', async () => {
  expect((await generate({ image_url: dataUri(await ballPng(8)) })).structured).toMatchObject({
    status: 'succeeded',
  });
});
