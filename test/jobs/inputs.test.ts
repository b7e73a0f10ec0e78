import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, Inputs } from '../../src/jobs/inputs.js';
import { openStore, type Store } from '../../src/store/index.js';
import { findModel } from '../../src/tools/models.js';
import { ballPng, dataUri } from '../support/images.js';

const URL_OF_IMAGE = 'https://pictures.example/mug.png';

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'meshwright-inputs-'));
  store = openStore(folder);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** The name of a call of pixal3d with this image, when its first provider reads URLs or bytes. */
async function digest(image: string, passUrls: boolean, served: Uint8Array): Promise<string> {
  const model = findModel('pixal3d');
  if (!model) throw new Error('no such model');
  const inputs = new Inputs({
    allowedDirs: () => [],
    fetcher: {
      allows: () => false,
      bytes: () => Promise.resolve({ bytes: Buffer.from(served), url: image, contentType: undefined }),
      open: () => Promise.reject(new Error('not used')),
      close: () => Promise.resolve(),
    },
    files: store.assets,
    readAsset: () => Promise.reject(new Error('not used')),
  });
  const taken = await inputs.take({ principal: 'ada', model, args: { image_url: image } }, passUrls);
  return digestOf({ principal: 'ada', model, provider: 'auto' }, taken);
}

describe('the same call', () => {
  it('with a public URL is one by its URL, whether the provider of the day reads URLs or bytes', async () => {
    const image = await ballPng(1);
    expect(await digest(URL_OF_IMAGE, false, image)).toBe(await digest(URL_OF_IMAGE, true, image));
    expect(await digest(`${URL_OF_IMAGE}?2`, true, image)).not.toBe(await digest(URL_OF_IMAGE, true, image));
  });

  it('with the bytes themselves is one by its content', async () => {
    const [one, other] = [await ballPng(1), await ballPng(2)];
    expect(await digest(dataUri(one), true, one)).toBe(await digest(dataUri(one), false, one));
    expect(await digest(dataUri(one), true, one)).not.toBe(await digest(dataUri(other), true, other));
  });
});
