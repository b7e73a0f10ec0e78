import { sniff } from '../../../src/glb/sniff.js';
import { foreignKind } from '../../../src/jobs/foreign-kind.js';
import { fixtureKinds, fixtureOf } from '../../emulator/common/fixtures/named.js';
import { hold, readable, type Target, text } from '../target.js';

export const target: Target = {
  about: 'files of any kind, told apart by their bytes',
  guides: ['/src/glb/sniff', '/src/jobs/foreign-kind', '/src/jobs/image-header'],
  seeds: () => [
    ...fixtureKinds.map((kind) => new Uint8Array(fixtureOf(kind)).slice(0, 4096)),
    text('solid a\nfacet normal 0 0 1\nendsolid a\n'),
    text('ply\nformat ascii 1.0\nelement vertex 3\n'),
    text('; FBX 7.4.0 project file\nFBXHeaderExtension:  {\n'),
    text('{"asset":{"version":"2.0"},"scenes":[],"meshes":[]}'),
    text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
    text('<!doctype html><html><head></head><body>no</body></html>'),
    text('# a\nmtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n'),
    text('%PDF-1.7'),
  ],
  tokens: ['glTF', 'PK\x03\x04', 'ftypavif', 'ftypheic', '\xabKTX 20\xbb\r\n\x1a\n', 'solid ', 'ply\n', '<svg', '<html', 'v 0 0 0\n', 'Kaydara FBX Binary  ', 'endsolid', '"asset":{', '"meshes":[', '\xef\xbb\xbf', 'BM', 'RIFF', 'WEBP'], // prettier-ignore
  run: (bytes) => {
    const { format, extension, mimeType } = sniff(bytes);
    hold(/^[a-z0-9]{2,5}$/.test(extension), `the extension of ${format} is no extension`);
    hold(/^[\w.+-]+\/[\w.+-]+$/.test(mimeType), `the type of ${format} is no type`);
    hold(sniff(bytes.subarray(0, 65_536), bytes.length).format === format, 'the head tells something else');
    readable(foreignKind(bytes));
  },
};
