import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRecord, type JsonObject } from '../../src/json.js';
import { openStore, type Store } from '../../src/store/index.js';
import { PACKED, plainBall } from '../glb/packed.js';
import { decode, difference, type Pixels } from '../glb/pictures.js';
import { anAsset } from '../store/support/rows.js';
import { removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { RawPeer } from '../support/raw-peer.js';

/**
 * What an install can read: `dist/` beside nothing but the packages that an install brings, so that what is needed
 * and neither bundled nor installed is missing here as it would be there.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let store: Store;
let peer: RawPeer;
let plain: Pixels;

beforeAll(async () => {
  folder = await temporaryFolder();
  const installed = path.join(folder, 'installed');
  await cp(path.join(root, 'dist'), path.join(installed, 'dist'), { recursive: true });
  await cp(path.join(root, 'package.json'), path.join(installed, 'package.json'));
  await mkdir(path.join(installed, 'node_modules'));
  const manifest: unknown = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const needed = isRecord(manifest) && isRecord(manifest['dependencies']) ? manifest['dependencies'] : {};
  for (const name of Object.keys(needed)) {
    await symlink(
      path.join(root, 'node_modules', name),
      path.join(installed, 'node_modules', name),
      'junction',
    );
  }
  store = openStore(path.join(folder, 'data'));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [path.join(installed, 'dist', 'cli.js')],
    env: serverEnv(path.join(folder, 'data')),
    stderr: 'ignore',
  });
  peer = new RawPeer(transport, {});
  await peer.start();
  await peer.result('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '0' },
  });
  plain = await viewed(await kept(await plainBall()));
});
afterAll(async () => {
  await peer.close();
  await store.close();
  await removeFolder(folder);
});

/** @returns the id of the file as an asset */
async function kept(file: Uint8Array): Promise<string> {
  const asset = anAsset({ principal: 'local', sizeBytes: file.length });
  await store.assets.put(asset.key, file);
  await store.jobs.addAsset(asset);
  return asset.id;
}

async function call(name: string, args: object): Promise<JsonObject> {
  const result = await peer.result('tools/call', { name, arguments: args });
  expect(result).not.toHaveProperty('isError');
  return result;
}

async function viewed(assetId: string): Promise<Pixels> {
  const { content } = await call('view_asset', { asset_id: assetId, size: 512 });
  expect(content).toEqual([{ type: 'image', mimeType: expect.any(String), data: expect.any(String) }]);
  const [{ data }] = z.tuple([z.looseObject({ data: z.string() })]).parse(content);
  return decode({ image: Buffer.from(data, 'base64') });
}

describe.each(Object.entries(PACKED))('an install, given a GLB with %s', (_how, packed) => {
  it('shows and inspects it like the plain one', async () => {
    const assetId = await kept(await packed.file());
    expect(difference(plain, await viewed(assetId))).toBeLessThan(1);
    const { structuredContent } = await call('inspect_asset', { asset_id: assetId });
    expect(structuredContent).toMatchObject({
      extensions_required: expect.arrayContaining([packed.extension]),
      // Draco leaves out those at the poles that have no area.
      triangles: expect.toSatisfy((count: number) => count > 4500 && count <= 4608),
      size_meters: [2, 2, 2].map((value) => expect.closeTo(value, 3)),
      validation: { errors: 0 },
    });
  });
});
