import { deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sniff } from '../../src/glb/sniff.js';
import { assemble, plainCube, toGlb, triangle, uastcKtx2 } from './fixtures.js';

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));

function binaryStl(header: string, triangles: number): Uint8Array {
  const file = Buffer.alloc(84 + 50 * triangles);
  file.write(header);
  file.writeUInt32LE(Math.floor(triangles), 80);
  return new Uint8Array(file);
}

/** The head of the first entry is enough for a reader that does not unpack. */
function zip(name: string, data: Buffer, deflated: boolean): Uint8Array {
  const stored = deflated ? deflateRawSync(data) : data;
  const header = Buffer.alloc(30);
  header.write('PK\x03\x04', 'latin1');
  header.writeUInt16LE(deflated ? 8 : 0, 8);
  header.writeUInt32LE(stored.length, 18);
  header.writeUInt32LE(data.length, 22);
  header.writeUInt16LE(name.length, 26);
  return new Uint8Array(Buffer.concat([header, Buffer.from(name), stored]));
}

const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: '#a04020' } });
const ASCII_PLY = 'ply\nformat ascii 1.0\nelement vertex 0\nend_header\n';

describe('sniff', () => {
  it.each<[string, Uint8Array | Promise<Uint8Array>, string, string]>([
    ['a GLB', toGlb(plainCube()), 'glb', 'model/gltf-binary'],
    ['glTF JSON', text(JSON.stringify(triangle().json, null, 2)), 'gltf', 'model/gltf+json'],
    [
      'glTF JSON with a byte order mark',
      text(`\xef\xbb\xbf${JSON.stringify(triangle().json)}`),
      'gltf',
      'model/gltf+json',
    ],
    [
      'binary FBX',
      text('Kaydara FBX Binary  \x00\x1a\x00\xe8\x1c\x00\x00'),
      'fbx',
      'application/octet-stream',
    ],
    [
      'ASCII FBX',
      text('; FBX 7.3.0 project file\n; ----\nFBXHeaderExtension:  {\n'),
      'fbx',
      'application/octet-stream',
    ],
    [
      'OBJ',
      text('# made by hand\r\nmtllib a.mtl\r\no thing\r\nv 0 0 0\r\nv 1 0 0\r\nv 0 1 0\r\nf 1 2 3\r\n'),
      'obj',
      'model/obj',
    ],
    ['OBJ with exponents and colours', text('v -1e-3 .5 2 1 0 0\nvn 0 0 1\n'), 'obj', 'model/obj'],
    ['binary STL', binaryStl('exported', 2), 'stl', 'model/stl'],
    ['binary STL that begins like text', binaryStl('solid part', 3), 'stl', 'model/stl'],
    [
      'nothing in an STL with bytes left over',
      binaryStl('exported', 2.5),
      'unknown',
      'application/octet-stream',
    ],
    ['ASCII STL', text('solid part\n facet normal 0 0 1\n  outer loop\n'), 'stl', 'model/stl'],
    ['ASCII PLY', text(ASCII_PLY), 'ply', 'application/octet-stream'],
    [
      'binary PLY',
      text(`${ASCII_PLY.replace('ascii', 'binary_little_endian')}\x00\x00\x80\x3f`),
      'ply',
      'application/octet-stream',
    ],
    ['USDZ', zip('scene.usdc', Buffer.from('PXR-USDC'), false), 'usdz', 'model/vnd.usdz+zip'],
    ['ZIP', zip('model.obj', Buffer.from('v 0 0 0'), true), 'zip', 'application/zip'],
    ['PNG', picture.clone().png().toBuffer(), 'png', 'image/png'],
    ['JPEG', picture.clone().jpeg().toBuffer(), 'jpeg', 'image/jpeg'],
    ['WebP', picture.clone().webp().toBuffer(), 'webp', 'image/webp'],
    ['AVIF', picture.clone().avif({ effort: 0 }).toBuffer(), 'avif', 'image/avif'],
    ['GIF', picture.clone().gif().toBuffer(), 'gif', 'image/gif'],
    ['KTX2', uastcKtx2([[[1, 2, 3]]]), 'ktx2', 'image/ktx2'],
    [
      'SVG',
      text('<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'svg',
      'image/svg+xml',
    ],
    [
      'an HTML page',
      text('\n<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>'),
      'html',
      'text/html',
    ],
    ['an HTML fragment', text('<head><title>404 Not Found</title></head>'), 'html', 'text/html'],
    [
      'an XML error',
      text('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
      'xml',
      'application/xml',
    ],
    ['a JSON error', text('{"detail": "Not found"}'), 'json', 'application/json'],
    ['nothing', new Uint8Array(), 'unknown', 'application/octet-stream'],
    ['prose', text('The model is not ready yet.\n'), 'unknown', 'application/octet-stream'],
    [
      'noise',
      new Uint8Array(4096).map((_, i) => (i * 151) ^ (i >> 3)),
      'unknown',
      'application/octet-stream',
    ],
  ])('knows %s', async (_name, file, format, mimeType) => {
    expect(sniff(await file)).toMatchObject({ format, mimeType });
  });

  it('gives the extension that programs expect', async () => {
    expect(sniff(await toGlb(plainCube())).extension).toBe('glb');
    expect(sniff(await picture.clone().jpeg().toBuffer()).extension).toBe('jpg');
    expect(sniff(text('?')).extension).toBe('bin');
  });

  it('needs only the beginning, and the size of the whole for binary STL', async () => {
    const stl = binaryStl('exported', 200);
    expect(sniff(stl.subarray(0, 4096), stl.length).format).toBe('stl');
    expect(sniff(stl.subarray(0, 4096)).format).toBe('unknown');
    const json = { ...triangle().json, extras: 'x'.repeat(1e5) };
    expect(sniff(text(JSON.stringify(json)).subarray(0, 4096)).format).toBe('gltf');
    expect(sniff(assemble(json, triangle().bin).subarray(0, 4096)).format).toBe('glb');
  });

  it('reads views into larger buffers', async () => {
    const glb = await toGlb(plainCube());
    const inside = new Uint8Array(glb.length + 7);
    inside.set(glb, 7);
    expect(sniff(inside.subarray(7)).format).toBe('glb');
  });
});
