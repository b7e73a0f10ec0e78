import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshwrightError } from '../../src/errors.js';
import { resolveImage, type ImageContext, type ResolvedImage } from '../../src/jobs/images.js';
import { createFetcher } from '../../src/providers/fetch.js';
import { serve } from '../providers/loopback.js';

const ASSET_ID = `asset_${'a1'.repeat(13)}`;
const fetcher = createFetcher({
  allowHosts: ['127.0.0.1', 'images.intranet.example'],
  resolve: (hostname) => Promise.reject(Object.assign(new Error(hostname), { code: 'ENOTFOUND' })),
});
let folder: string;
let png: Buffer;
let gif: Buffer;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'images-')));
  const image = sharp({ create: { width: 4, height: 3, channels: 3, background: 'red' } });
  png = await image.png().toBuffer();
  gif = await image.gif().toBuffer();
  await writeFile(path.join(folder, 'a b.png'), png);
  await writeFile(path.join(folder, 'notes.txt'), 'password: hunter2');
  await mkdir(path.join(folder, '.private'));
  await writeFile(path.join(folder, '.private', 'a.png'), png);
});

afterAll(async () => {
  await fetcher.close();
  await rm(folder, { recursive: true });
});

function resolve(
  reference: string,
  context: Partial<ImageContext> = {},
  field = 'image_url',
): Promise<ResolvedImage> {
  const readAsset = (id: string): Promise<Uint8Array> =>
    id === ASSET_ID
      ? Promise.resolve(png)
      : Promise.reject(new MeshwrightError('not_found', 'There is no such asset.', { field: 'asset_id' }));
  return resolveImage(
    reference,
    { allowedDirs: [folder], fetcher, readAsset, passUrls: false, ...context },
    field,
  );
}

const refusal = (
  reference: string,
  context: Partial<ImageContext> = {},
  field = 'image_url',
): Promise<unknown> => resolve(reference, context, field).catch((error: unknown) => error);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('an image may be given as', () => {
  it.each([
    ['path', 'a path', () => path.join(folder, 'a b.png')],
    ['path', 'a file URL', () => pathToFileURL(path.join(folder, 'a b.png')).href],
    ['data', 'a data URI', () => `data:image/png;base64,${png.toString('base64')}`],
    [
      'data',
      'a data URI of another type',
      () => `data:text/plain;charset=utf-8;base64,${png.toString('base64')}`,
    ],
    ['data', 'a data URI without a type', () => `data:;base64,${png.toString('base64')}`],
    ['data', 'a data URI in the URL alphabet', () => `data:image/png;base64,${png.toString('base64url')}`],
    [
      'data',
      'a data URI with line breaks',
      () => `data:image/png;base64,${png.toString('base64').replace(/.{64}/g, '$&\r\n')}\n`,
    ],
    [
      'data',
      'a data URI with escaped base64',
      () => `data:image/png;base64,${encodeURIComponent(png.toString('base64'))}`,
    ],
    [
      'data',
      'a percent-encoded data URI',
      () => `data:image/png,${[...png].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
    ],
    ['data', 'a data URI in capitals', () => `DATA:IMAGE/PNG;BASE64,${png.toString('base64')}`],
    ['asset', 'the URI of an asset', () => `meshwright://assets/${ASSET_ID}`],
    ['asset', 'the id of an asset', () => ASSET_ID],
    ['path', 'anything of these among spaces', () => `  ${path.join(folder, 'a b.png')}\n`],
  ])('%s: %s', async (source, _what, reference) => {
    const image = await resolve(reference());
    expect(image).toMatchObject({
      kind: 'bytes',
      format: 'png',
      mimeType: 'image/png',
      width: 4,
      height: 3,
      sha256: sha256(png),
      source,
    });
    expect(image.kind === 'bytes' && png.equals(image.bytes)).toBe(true);
  });

  it('a URL, which is fetched', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(png);
    });
    expect(await resolve(`${url}/a.jpg`)).toMatchObject({
      kind: 'bytes',
      source: 'url',
      sha256: sha256(png),
    });
  });

  it('an image that has to be converted, with the hash of what is sent', async () => {
    const image = await resolve(`data:image/gif;base64,${gif.toString('base64')}`);
    expect(image).toMatchObject({ kind: 'bytes', format: 'png', mimeType: 'image/png' });
    expect(image.kind === 'bytes' && image.sha256 === sha256(image.bytes)).toBe(true);
  });
});

describe('a provider that reads URLs by itself', () => {
  it.each([
    ['https://example.com/a.png?x=1', 'https://example.com/a.png?x=1'],
    ['  https://EXAMPLE.com/a b.png ', 'https://example.com/a%20b.png'],
    ['HTTPS://example.com:443/', 'https://example.com/'],
  ])('gets %s unread', async (reference, url) => {
    expect(await resolve(reference, { passUrls: true })).toEqual({ kind: 'url', url });
  });

  it.each([
    'https://localhost/a.png',
    'https://192.168.0.1/a.png',
    'https://169.254.169.254/a.png',
    'https://[::1]/a.png',
    'https://user:password@example.com/a.png',
    `https://example.com/${'a'.repeat(10_000)}`,
  ])('never gets %s', async (reference) => {
    expect(await refusal(reference, { passUrls: true })).toMatchObject({
      code: expect.stringMatching(/url_refused|download_failed/),
      field: 'image_url',
    });
  });

  it('gets the bytes of what only this machine can reach', async () => {
    const { url } = await serve((_request, response) => response.end(png));
    expect(await resolve(url, { passUrls: true })).toMatchObject({ kind: 'bytes', source: 'url' });
    // The host that the operator allowed is asked, not passed on; here it does not exist.
    expect(await refusal('https://images.intranet.example/a.png', { passUrls: true })).toMatchObject({
      code: 'download_failed',
    });
  });

  it('gets the bytes of everything that is no URL', async () => {
    expect(await resolve(path.join(folder, 'a b.png'), { passUrls: true })).toMatchObject({ kind: 'bytes' });
  });
});

describe('what is refused names the argument and a way out', () => {
  it.each([
    ['', 'invalid_image', /https URL, a data URI/],
    ['   ', 'invalid_image', /https URL, a data URI/],
    ['http://example.com/a.png', 'url_refused', /https URL, a data URI/],
    ['ftp://example.com/a.png', 'invalid_image', /"ftp:" address.*https URL, a data URI/],
    ['javascript:alert(1)', 'invalid_image', /"javascript:" address/],
    ['blob:https://example.com/1', 'invalid_image', /"blob:" address/],
    ['s3://bucket/a.png', 'invalid_image', /"s3:" address/],
    ['https://10.0.0.1/a.png', 'url_refused', /MESHWRIGHT_ALLOW_HOSTS/],
    ['https://nowhere.example/a.png', 'download_failed', /no host of that name/],
    ['a.png', 'path_refused', /absolute path/],
    ['example.com/a.png', 'path_refused', /absolute path/],
    ['/etc/passwd', 'path_refused', /MESHWRIGHT_ALLOWED_DIRS/],
    ['file:///etc/passwd', 'path_refused', /MESHWRIGHT_ALLOWED_DIRS/],
    ['meshwright://jobs/job_1', 'not_found', /list_assets/],
    ['meshwright://assets/../jobs', 'not_found', /list_assets/],
    [`meshwright://assets/${ASSET_ID}/parts/0`, 'not_found', /list_assets/],
    [`meshwright://assets/asset_${'z'.repeat(26)}`, 'not_found', /no such asset/],
    ['data:image/png', 'invalid_image', /no comma/],
    ['data:image/png;base64', 'invalid_image', /no comma/],
    ['data:image/png;base64,', 'invalid_image', /empty file/],
    ['data:,', 'invalid_image', /empty file/],
    ['data:image/png;base64,iVBO Rw0K!!!!', 'invalid_image', /not valid base64/],
    ['data:image/png;base64,iVBO=Rw0K', 'invalid_image', /not valid base64/],
    ['data:image/png;base64,<svg>', 'invalid_image', /not valid base64/],
    ['data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22/%3E', 'invalid_image', /SVG/],
    ['data:image/png,100%', 'invalid_image', /text/],
  ])('%j', async (reference, code, words) => {
    expect(await refusal(reference, {}, 'image_urls[1]')).toMatchObject({
      code,
      field: 'image_urls[1]',
      message: expect.stringMatching(words),
    });
    expect(await refusal(reference, {}, 'image_urls[1]')).toMatchObject({
      message: expect.stringMatching(/^image_urls\[1\]/),
    });
  });

  it('base64 without its beginning, which reads like a path when it is a JPEG', async () => {
    expect(await refusal(`/9j/${'4AAQSkZJRg'.repeat(1000)}`)).toMatchObject({
      code: 'invalid_image',
      message: expect.stringContaining('write data:image/png;base64, before it'),
    });
  });

  it('a local file that is no image, without a word of what is in it', async () => {
    const failure = await refusal(path.join(folder, 'notes.txt'));
    expect(failure).toMatchObject({ code: 'invalid_image', message: expect.stringContaining('is text') });
    expect(String(failure)).not.toContain('hunter2');
  });

  it('a hidden file, and every file where no folder is open', async () => {
    expect(await refusal(path.join(folder, '.private', 'a.png'))).toMatchObject({ code: 'path_refused' });
    expect(await refusal(path.join(folder, 'a b.png'), { allowedDirs: [] })).toMatchObject({
      code: 'path_refused',
    });
  });

  it('a web page under the name of an image', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).end('<!doctype html><title>Sign in</title>');
    });
    expect(await refusal(`${url}/a.png`)).toMatchObject({
      code: 'invalid_image',
      message: expect.stringContaining('web page'),
    });
  });

  it('an image that is too large, in every form', async () => {
    const large = Buffer.concat([png, Buffer.alloc(20 << 20)]);
    await writeFile(path.join(folder, 'large.png'), large);
    const { url } = await serve((_request, response) => response.end(large));
    const base64 = large.toString('base64');
    const readAsset = (): Promise<Uint8Array> => Promise.resolve(large);
    for (const reference of [
      path.join(folder, 'large.png'),
      url,
      `data:image/png;base64,${base64}`,
      `data:image/png;base64,${base64}${base64}`,
      `data:image/png,${'a'.repeat(large.length)}`,
      ASSET_ID,
    ]) {
      expect(await refusal(reference, { readAsset }), reference.slice(0, 40)).toMatchObject({
        code: 'too_large',
        field: 'image_url',
      });
    }
  });

  it('a signed URL that fails, without its query', async () => {
    const { url } = await serve((_request, response) => response.writeHead(403).end());
    const failure = await refusal(`${url}/a.png?X-Signature=secret`);
    expect(failure).toMatchObject({ code: 'download_failed', field: 'image_url' });
    expect(String(failure)).not.toContain('secret');
  });

  it('a caller who goes away', async () => {
    const { url } = await serve(() => undefined);
    expect(await refusal(url, { signal: AbortSignal.timeout(20) })).toMatchObject({ code: 'cancelled' });
  });

  it('a defect stays one', async () => {
    const defect = new TypeError('x is undefined');
    expect(await refusal(ASSET_ID, { readAsset: () => Promise.reject(defect) })).toBe(defect);
  });
});
