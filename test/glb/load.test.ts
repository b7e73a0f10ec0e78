import { KHRDracoMeshCompression, EXTMeshoptCompression } from '@gltf-transform/extensions';
import draco from 'draco3dgltf';
import { MeshoptEncoder } from 'meshoptimizer';
import { describe, expect, it } from 'vitest';
import { inspect } from '../../src/glb/inspect.js';
import { createIO, load } from '../../src/glb/load.js';
import { assemble, assembleText, plainCube, squares, toGlb, triangle } from './fixtures.js';

/** The refusal of a file: one sentence for the user, whatever the file tried. */
async function refusal(file: Uint8Array): Promise<string> {
  const error = await load(file).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'MeshwrightError', code: 'invalid_asset' });
  const message = error instanceof Error ? error.message : '';
  expect(message).toMatch(/^[A-Z].*\.$/s);
  expect(message.length).toBeLessThan(400);
  return message;
}

const dracoCube = async (): Promise<Uint8Array> => {
  const document = plainCube();
  document.createExtension(KHRDracoMeshCompression).setRequired(true);
  const io = createIO().registerDependencies({ 'draco3d.encoder': await draco.createEncoderModule() });
  return io.writeBinary(document);
};

const meshoptCube = async (): Promise<Uint8Array> => {
  const document = plainCube();
  document.createExtension(EXTMeshoptCompression).setRequired(true);
  await MeshoptEncoder.ready;
  return createIO().registerDependencies({ 'meshopt.encoder': MeshoptEncoder }).writeBinary(document);
};

/** Changes the JSON of a real file as text and leaves its bytes alone. */
function edited(glb: Uint8Array, pattern: RegExp, replacement: string): Uint8Array {
  const file = Buffer.from(glb);
  const length = file.readUInt32LE(12);
  const json = file.subarray(20, 20 + length).toString();
  expect(json).toMatch(pattern);
  return assembleText(json.replace(pattern, replacement), file.subarray(28 + length));
}

describe('load', () => {
  it('reads plain, Draco and meshopt files, decoding what is compressed', async () => {
    for (const file of [await toGlb(plainCube()), await dracoCube(), await meshoptCube()]) {
      const { document, unsupported } = await load(file);
      const [primitive] = document.getRoot().listMeshes()[0]?.listPrimitives() ?? [];
      expect(primitive?.getAttribute('POSITION')?.getMax([])).toEqual(
        [0.5, 0.5, 0.5].map((value) => expect.closeTo(value, 3)),
      );
      expect(primitive?.getIndices()?.getCount()).toBe(36);
      expect(unsupported).toEqual([]);
    }
  });

  it('reads a file at any place in memory, and chunks of odd length', async () => {
    const glb = await toGlb(plainCube());
    const inside = new Uint8Array(glb.length + 3);
    inside.set(glb, 3);
    await expect(load(inside.subarray(3))).resolves.toBeDefined();
    const { json, bin } = triangle();
    const odd = Buffer.from(`${JSON.stringify(json)}\n`);
    const header = Buffer.alloc(20);
    header.write('glTF');
    header.writeUInt32LE(odd.length, 12);
    header.write('JSON', 16);
    const second = Buffer.alloc(8);
    second.writeUInt32LE(bin.length, 0);
    second.write('BIN\0', 4);
    const file = Buffer.concat([header, odd, second, bin]);
    file.writeUInt32LE(2, 4);
    file.writeUInt32LE(file.length, 8);
    await expect(load(file)).resolves.toBeDefined();
  });

  it('reads buffers and images that are embedded as text', async () => {
    const { json, bin } = triangle();
    const uri = `data:application/octet-stream;base64,${Buffer.from(bin).toString('base64')}`;
    const image = `data:image/png;base64,${Buffer.from(await squares([[[9, 9, 9]]], 4)).toString('base64')}`;
    const { document } = await load(
      assemble({ ...json, buffers: [{ byteLength: 36, uri }], images: [{ uri: image }] }),
    );
    expect(document.getRoot().listAccessors()[0]?.getMax([])).toEqual([1, 1, 0]);
    expect(document.getRoot().listTextures()[0]?.getSize()).toEqual([4, 4]);
  });

  it('tells which required extensions it does not understand, and reads the rest', async () => {
    const { json, bin } = triangle();
    const required = { extensionsUsed: ['ACME_secret'], extensionsRequired: ['ACME_secret'] };
    const { unsupported, document } = await load(assemble({ ...json, ...required }, bin));
    expect(unsupported).toEqual(['ACME_secret']);
    expect(document.getRoot().listMeshes()).toHaveLength(1);
  });
});

describe('load refuses', () => {
  it('what is no GLB, and says what it is', async () => {
    const file = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
    await expect(refusal(file('; FBX 7.3.0 project file\n'))).resolves.toContain('an FBX file');
    await expect(refusal(file('<html>502</html>'))).resolves.toContain('an HTML page');
    await expect(refusal(file('hello'))).resolves.toContain('not a known 3D format');
    await expect(refusal(new Uint8Array())).resolves.toContain('empty');
  });

  it('a file that is cut off, anywhere', async () => {
    const glb = await toGlb(plainCube());
    for (const length of [5, 11, 12, 19, 25, 600, glb.length - 1]) {
      await expect(refusal(glb.subarray(0, length))).resolves.toContain('cut off');
    }
  });

  it('a header that does not fit the file', async () => {
    const glb = await toGlb(plainCube());
    await expect(refusal(new Uint8Array(Buffer.concat([glb, Buffer.alloc(8)])))).resolves.toContain(
      'header says',
    );
    const old = Buffer.from(glb);
    old.writeUInt32LE(1, 4);
    await expect(refusal(new Uint8Array(old))).resolves.toContain('version 1');
  });

  it('a chunk that reaches beyond the end', async () => {
    const file = Buffer.from(await toGlb(plainCube()));
    file.writeUInt32LE(0x7fffffff, 12);
    await expect(refusal(new Uint8Array(file))).resolves.toContain('chunk 0');
    const second = Buffer.from(await toGlb(plainCube()));
    const at = 20 + second.readUInt32LE(12);
    second.writeUInt32LE(second.readUInt32LE(at) + 4, at);
    await expect(refusal(new Uint8Array(second))).resolves.toContain('chunk 1');
  });

  it('JSON that is too large, too deep, or none', async () => {
    await expect(refusal(assembleText(`[${'0,'.repeat(17 * 2 ** 20)}0]`))).resolves.toContain(
      'over the limit',
    );
    await expect(refusal(assembleText('{"asset"'))).resolves.toContain('cannot be parsed');
    const { json, bin } = triangle();
    const deep = JSON.stringify({ ...json, extras: 'X' }).replace('"X"', '['.repeat(1e5) + ']'.repeat(1e5));
    await expect(refusal(assembleText(deep, bin))).resolves.toContain('200 levels');
    const nodes = Array.from({ length: 200_001 }, () => ({}));
    await expect(refusal(assemble({ ...json, nodes }, bin))).resolves.toBe(
      'This GLB has more than 50000 entries in nodes, over the limit: use a simplified or merged version.',
    );
  });

  it('JSON that is no glTF 2.0', async () => {
    const { json, bin } = triangle();
    await expect(refusal(assemble([]))).resolves.toContain('malformed');
    await expect(refusal(assemble({ ...json, asset: {} }, bin))).resolves.toContain('asset.version');
    await expect(refusal(assemble({ ...json, asset: { version: '1.0' } }, bin))).resolves.toContain('1.0');
    const [accessor] = json.accessors;
    for (const wrong of [
      { count: -3 },
      { count: 1.5 },
      { count: '3' },
      { count: null },
      { componentType: 1 },
      { type: 'VEC9' },
    ]) {
      await expect(
        refusal(assemble({ ...json, accessors: [{ ...accessor, ...wrong }] }, bin)),
      ).resolves.toContain('accessors[0]');
    }
  });

  it('accessors and views that reach outside the file', async () => {
    const { json, bin } = triangle();
    const [accessor] = json.accessors;
    const cases: [object, string][] = [
      [{ accessors: [{ ...accessor, count: 4 }] }, 'Accessor 0'],
      [{ accessors: [{ ...accessor, byteOffset: 4 }] }, 'Accessor 0'],
      [{ accessors: [{ ...accessor, bufferView: 7 }] }, 'bufferView 7'],
      [{ bufferViews: [{ buffer: 0, byteLength: 36, byteStride: 16 }] }, 'Accessor 0'],
      [{ bufferViews: [{ buffer: 0, byteLength: 37 }], buffers: [{ byteLength: 37 }] }, 'Buffer 0'],
      [{ bufferViews: [{ buffer: 0, byteOffset: 8, byteLength: 36 }] }, 'bufferView 0'],
      [{ bufferViews: [{ buffer: 1, byteLength: 36 }] }, 'buffer 1'],
      [
        { buffers: [{ byteLength: 36 }, { byteLength: 36 }], bufferViews: [{ buffer: 1, byteLength: 36 }] },
        'buffer 1',
      ],
    ];
    for (const [change, mentions] of cases) {
      await expect(refusal(assemble({ ...json, ...change }, bin))).resolves.toContain(mentions);
    }
    const sparse = {
      count: 2,
      indices: { bufferView: 0, componentType: 5125, byteOffset: 32 },
      values: { bufferView: 0 },
    };
    await expect(
      refusal(assemble({ ...json, accessors: [{ ...accessor, sparse }] }, bin)),
    ).resolves.toContain('sparse indices');
  });

  it('counts that would take gigabytes, before memory is taken', async () => {
    const { json, bin } = triangle();
    const empty = { componentType: 5126, type: 'MAT4', count: 2 ** 31 };
    await expect(refusal(assemble({ ...json, accessors: [empty] }, bin))).resolves.toContain('64 MiB');
    // A file of half a kilobyte, and seconds of work on zeros that it does not hold.
    const zeros = { componentType: 5126, type: 'VEC3', count: 6_000_000 };
    await expect(refusal(assemble({ ...json, accessors: [zeros] }, bin))).resolves.toContain('64 MiB');
    // Each is harmless by itself.
    const wide = new Uint8Array(2 ** 20);
    const many = Array.from({ length: 2000 }, () => ({
      bufferView: 0,
      componentType: 5121,
      type: 'SCALAR',
      count: 2 ** 20,
    }));
    const views = { bufferViews: [{ buffer: 0, byteLength: 2 ** 20 }], buffers: [{ byteLength: 2 ** 20 }] };
    await expect(refusal(assemble({ ...json, ...views, accessors: many }, wide))).resolves.toContain(
      '124 MiB',
    );
  });

  it('more parts than anybody can use, counted over all lists', async () => {
    const { json, bin } = triangle();
    const nodes = (count: number): object[] => Array.from({ length: count }, () => ({ mesh: 0 }));
    const materials = Array.from({ length: 25_000 }, () => ({}));
    await expect(refusal(assemble({ ...json, nodes: nodes(25_000), materials }, bin))).resolves.toContain(
      'parts',
    );
    const scenes = Array.from({ length: 21 }, () => ({ nodes: Array.from({ length: 50_000 }, () => 0) }));
    await expect(refusal(assemble({ ...json, scenes }, bin))).resolves.toContain('references');
  });

  it('compressed geometry that promises more than is declared, before it is decoded', async () => {
    const meshopt = await meshoptCube();
    await expect(
      refusal(edited(meshopt, /"count":\d+(?=[^}]*"mode")|(?<="mode"[^}]*)"count":\d+/, '"count":400000000')),
    ).resolves.toMatch(/MiB in memory|contradicts/);
    await expect(refusal(edited(meshopt, /"mode":"ATTRIBUTES"/, '"mode":"SECRETS"'))).resolves.toContain(
      'mode',
    );
    const compressed = await dracoCube();
    await expect(
      refusal(
        edited(
          compressed,
          /"type":"SCALAR","componentType":\d+,"count":36|"count":36/,
          '"type":"SCALAR","componentType":5123,"count":33',
        ),
      ),
    ).resolves.toContain('Draco');
    const broken = Buffer.from(compressed);
    const start = broken.indexOf('DRACO');
    expect(start).toBeGreaterThan(0);
    broken.fill(0xff, start + 11, start + 20);
    await expect(refusal(new Uint8Array(broken))).resolves.toContain('Draco');
    const noise = Buffer.from(compressed);
    for (let at = start + 30; at < noise.length - 8; at += 3) noise[at] = (noise[at] ?? 0) ^ 0x5a;
    await expect(refusal(new Uint8Array(noise))).resolves.toContain('decoded');
  });

  it('images of absurd size, by their header alone', async () => {
    const png = Buffer.from(await squares([[[1, 2, 3]]], 4));
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    const { json, bin } = triangle();
    const file = assemble(
      {
        ...json,
        images: [{ bufferView: 1, mimeType: 'image/png' }],
        bufferViews: [...json.bufferViews, { buffer: 0, byteOffset: 36, byteLength: png.length }],
        buffers: [{ byteLength: 36 + png.length }],
      },
      new Uint8Array(Buffer.concat([bin, png])),
    );
    await expect(refusal(file)).resolves.toContain('3600 megapixels');
  });

  it('one image a thousand times', async () => {
    const { json, bin } = triangle();
    const images = Array.from({ length: 1000 }, () => ({ bufferView: 1, mimeType: 'image/png' }));
    const bufferViews = [...json.bufferViews, { buffer: 0, byteOffset: 36, byteLength: 2 ** 20 }];
    const file = { ...json, images, bufferViews, buffers: [{ byteLength: 36 + 2 ** 20 }] };
    const bytes = new Uint8Array(36 + 2 ** 20);
    bytes.set(bin);
    await expect(refusal(assemble(file, bytes))).resolves.toContain('512 MiB');
  });

  it('anything that lies outside the file', async () => {
    const { json, bin } = triangle();
    for (const uri of ['mesh.bin', '../../etc/passwd', 'file:///etc/passwd', 'http://127.0.0.1/x']) {
      await expect(
        refusal(assemble({ ...json, buffers: [{ byteLength: 36, uri }] }, bin)),
      ).resolves.toContain('self-contained');
      await expect(refusal(assemble({ ...json, images: [{ uri }] }, bin))).resolves.toContain(uri);
    }
  });

  it('scenes that are no trees, and references that lead nowhere', async () => {
    const { json, bin } = triangle();
    const cases: [object, string][] = [
      [{ nodes: [{ mesh: 0, children: [0] }] }, 'contains itself'],
      [{ nodes: [{ children: [1] }, { children: [2] }, { children: [1] }] }, 'two parents'],
      [{ nodes: [{}, { children: [2] }, { children: [1] }] }, 'contains itself'],
      [{ nodes: [{ mesh: 3 }] }, 'mesh 3'],
      [{ nodes: [{ mesh: 0, skin: 0 }] }, 'skin 0'],
      [{ nodes: [{ children: [9] }] }, 'node 9'],
      [{ scenes: [{ nodes: [5] }] }, 'node 5'],
      [{ meshes: [{ primitives: [{ attributes: { POSITION: 4 } }] }] }, 'accessor 4'],
      [{ meshes: [{ primitives: [{ attributes: { POSITION: 0 }, material: 2 }] }] }, 'material 2'],
      [{ textures: [{ source: 2 }] }, 'image 2'],
    ];
    for (const [change, mentions] of cases) {
      await expect(refusal(assemble({ ...json, ...change }, bin))).resolves.toContain(mentions);
    }
  });

  it('chains of nodes without end', async () => {
    const { json, bin } = triangle();
    const chain = (length: number) =>
      Array.from({ length }, (_, i) => (i + 1 < length ? { children: [i + 1] } : { mesh: 0 }));
    await expect(load(assemble({ ...json, nodes: chain(500) }, bin))).resolves.toBeDefined();
    await expect(refusal(assemble({ ...json, nodes: chain(1001) }, bin))).resolves.toContain('1000 levels');
  });

  it('positions and indices of another type, from which no count follows', async () => {
    const { json, bin } = triangle();
    const [accessor] = json.accessors;
    const flat = { ...accessor, type: 'VEC2', count: 4 };
    await expect(refusal(assemble({ ...json, accessors: [flat] }, bin))).resolves.toContain(
      'VEC2 instead of VEC3',
    );
    const meshes = [{ primitives: [{ attributes: { POSITION: 0 }, indices: 0 }] }];
    await expect(refusal(assemble({ ...json, meshes }, bin))).resolves.toContain('VEC3 instead of SCALAR');
  });

  it('values of another kind than glTF has them, by the place of the first', async () => {
    const { json, bin } = triangle();
    const file = assemble({ ...json, materials: [{ pbrMetallicRoughness: { baseColorFactor: 255 } }] }, bin);
    await expect(inspect(file)).rejects.toMatchObject({
      code: 'invalid_asset',
      message: expect.stringMatching(/breaks the rules of glTF.*baseColorFactor/),
    });
  });

  it('what only the decoder finds out, without letting its words through', async () => {
    const { json, bin } = triangle();
    const broken = { materials: [{ pbrMetallicRoughness: { baseColorTexture: { index: 5 } } }] };
    await expect(refusal(assemble({ ...json, ...broken }, bin))).resolves.not.toMatch(/undefined|TypeError/);
  });
});
