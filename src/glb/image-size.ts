import { ImageUtils } from '@gltf-transform/core';
import { sniff } from './sniff.js';

/** Pixels, by the header. Answers `undefined` for a damaged or unknown image. */
export function imageSize(bytes: Uint8Array): [width: number, height: number] | undefined {
  try {
    const { format, mimeType } = sniff(bytes);
    if (format === 'ktx2') return ktx2Size(bytes);
    // A copy of the beginning: the library's readers look past the end of a view.
    const [width, height] = ImageUtils.getSize(bytes.slice(0, 2 ** 20), mimeType) ?? [];
    return width && height ? [width, height] : undefined;
  } catch {
    return undefined;
  }
}

/** The library would read all levels. */
function ktx2Size(bytes: Uint8Array): [width: number, height: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getUint32(20, true), view.getUint32(24, true)];
}
