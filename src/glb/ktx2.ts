import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { LIMITS } from './limits.js';
import type { RawImage } from './textures.js';

/**
 * KTX2 textures with Basis Universal payload (KHR_texture_basisu: ETC1S and UASTC), by the transcoder that
 * ships inside three.js.
 */

/** The part of the transcoder in use (three/examples/jsm/libs/basis). */
interface BasisModule {
  initializeBasis(): void;
  KTX2File: new (bytes: Uint8Array) => Ktx2File;
}

interface Ktx2File {
  isValid(): boolean;
  isUASTC(): boolean;
  isETC1S(): boolean;
  getLevels(): number;
  getImageLevelInfo(level: number, layer: number, face: number): { origWidth: number; origHeight: number };
  getImageTranscodedSizeInBytes(level: number, layer: number, face: number, format: number): number;
  startTranscoding(): boolean;
  transcodeImage(
    target: Uint8Array,
    level: number,
    layer: number,
    face: number,
    format: number,
    ...unused: [decodeFlags: number, channel0: number, channel1: number]
  ): boolean;
  close(): void;
  delete(): void;
}

type BasisFactory = (options: {
  wasmBinary: Uint8Array;
  print: (text: string) => void;
  printErr: (text: string) => void;
}) => Promise<BasisModule>;

/** `cTFRGBA32` of the transcoder: 8 bits per channel, not block-compressed. */
const RGBA32 = 13;

let loading: Promise<BasisModule> | undefined;

/**
 * Decodes the mip level whose longest side is nearest to `size` from above.
 *
 * @param size pixels
 * @throws Error when the file is damaged or holds something else than ETC1S or UASTC
 */
export async function decodeKtx2(bytes: Uint8Array, size: number): Promise<RawImage> {
  const basis = await (loading ??= loadTranscoder());
  const file = new basis.KTX2File(bytes);
  try {
    if (!file.isValid() || !(file.isUASTC() || file.isETC1S())) throw new Error('no Basis Universal texture');
    let level = 0;
    for (let next = 1; next < file.getLevels(); next++) {
      const { origWidth, origHeight } = file.getImageLevelInfo(next, 0, 0);
      if (Math.max(origWidth, origHeight) < size) break;
      level = next;
    }
    const { origWidth: width, origHeight: height } = file.getImageLevelInfo(level, 0, 0);
    if (width * height > LIMITS.imagePixels / 4) throw new Error(`too large: ${width} × ${height}`);
    if (!file.startTranscoding()) throw new Error('transcoding cannot start');
    const data = new Uint8Array(file.getImageTranscodedSizeInBytes(level, 0, 0, RGBA32));
    if (!file.transcodeImage(data, level, 0, 0, RGBA32, 0, -1, -1)) throw new Error('transcoding failed');
    return { width, height, data };
  } finally {
    file.close();
    file.delete();
  }
}

/** Beside the bundle in `dist/basis/`, inside three when run from the source. */
function transcoderFiles(): { script: string; wasm: string } {
  const bundled = fileURLToPath(new URL('./basis/basis_transcoder.cjs', import.meta.url));
  if (existsSync(bundled)) return { script: bundled, wasm: bundled.replace(/cjs$/, 'wasm') };
  const script = createRequire(import.meta.url).resolve('three/examples/jsm/libs/basis/basis_transcoder.js');
  return { script, wasm: script.replace(/js$/, 'wasm') };
}

async function loadTranscoder(): Promise<BasisModule> {
  const { script, wasm } = transcoderFiles();
  const [source, wasmBinary] = await Promise.all([readFile(script, 'utf8'), readFile(wasm)]);
  // Compiled by hand: inside three it is CommonJS in a package of ES modules, which `import` refuses.
  const holder: { exports?: BasisFactory } = {};
  const run = compileFunction(source, ['module', 'exports', 'require', '__filename', '__dirname'], {
    filename: script,
  });
  run(holder, {}, createRequire(import.meta.url), script, script);
  if (holder.exports === undefined) throw new Error('The KTX2 transcoder could not be loaded.');
  const basis = await holder.exports({ wasmBinary, print: () => undefined, printErr: () => undefined });
  basis.initializeBasis();
  return basis;
}
