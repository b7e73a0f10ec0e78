import type { ViewName } from './camera.js';
import type { Picture } from './label.js';
import { drawLabel } from './label.js';

/** The picture as a whole: square tiles on a neutral ground, each with the name of its view. */

/** 8-bit sRGB; neither black nor white objects get lost in front of it. */
export const BACKGROUND = [203, 206, 210] as const;
const SEPARATOR = 178;

/** Where a view is in the picture, in pixels from the top left. */
export interface RenderedView {
  name: ViewName;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Sheet {
  picture: Picture;
  views: RenderedView[];
  /** Pixels. */
  tile: number;
}

const COLUMNS = [1, 1, 2, 3, 2, 3, 3, 4];

/** @param size longest side of the picture in pixels */
export function layOut(names: readonly ViewName[], size: number): Sheet {
  const columns = COLUMNS[names.length] ?? 4;
  const rows = Math.ceil(names.length / columns);
  const tile = Math.floor(size / columns);
  const [width, height] = [tile * columns, tile * rows];
  const data = Buffer.alloc(3 * width * height, Uint8Array.from(BACKGROUND));
  const views = names.map((name, i) => ({
    name,
    x: tile * (i % columns),
    y: tile * Math.floor(i / columns),
    width: tile,
    height: tile,
  }));
  return { picture: { width, height, data }, views, tile };
}

/** Once everything is drawn: lines between the tiles, and the captions. */
export function finishSheet({ picture, views, tile }: Sheet): void {
  for (const { name, x, y } of views) {
    if (x > 0)
      for (let row = y; row < y + tile; row++)
        picture.data.fill(SEPARATOR, at(picture, x, row), at(picture, x + 1, row));
    if (y > 0) picture.data.fill(SEPARATOR, at(picture, x, y), at(picture, x + tile, y));
    const scale = Math.max(1, Math.round(tile / 280));
    drawLabel(picture, name, x + 5 * scale, y + 5 * scale, scale);
  }
}

function at({ width }: Picture, x: number, y: number): number {
  return 3 * (y * width + x);
}
