/** 8-bit sRGB without alpha, row by row from the top left. */
export interface Picture {
  width: number;
  height: number;
  rgb: Uint8Array;
}

/**
 * Fills what is unknown of a picture from what is known, in place: known pixels are averaged into ever coarser
 * pictures (push), and each unknown pixel takes the smooth colour of the finest one that knows it (pull). Close
 * to a border the colour is the border's, far from it a wide average. Gortler et al., The Lumigraph, 1996.
 *
 * @param known One entry per pixel, zero where the colour is to be filled. A picture in which nothing is known
 *   stays as it is.
 */
export function bleed({ width, height, rgb }: Picture, known: Uint8Array): void {
  if (width <= 1 && height <= 1) return;
  const w = (width + 1) >> 1;
  const h = (height + 1) >> 1;
  const coarse: Picture = { width: w, height: h, rgb: new Uint8Array(w * h * 3) };
  const coarseKnown = new Uint8Array(w * h);
  let missing = 0;
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let count = 0;
      for (let row = 2 * y; row < Math.min(2 * y + 2, height); row += 1) {
        for (let column = 2 * x; column < Math.min(2 * x + 2, width); column += 1) {
          const at = row * width + column;
          if (known[at] === 0) {
            missing += 1;
            continue;
          }
          red += rgb[3 * at] ?? 0;
          green += rgb[3 * at + 1] ?? 0;
          blue += rgb[3 * at + 2] ?? 0;
          count += 1;
        }
      }
      if (count === 0) continue;
      const at = y * w + x;
      coarse.rgb[3 * at] = red / count + 0.5;
      coarse.rgb[3 * at + 1] = green / count + 0.5;
      coarse.rgb[3 * at + 2] = blue / count + 0.5;
      coarseKnown[at] = 1;
    }
  }
  if (missing === 0) return;
  bleed(coarse, coarseKnown);
  for (let y = 0; y < height; y += 1) {
    // Bilinear between pixel centres of the coarser picture: 3/4 of the parent, 1/4 of its neighbour.
    const y0 = y >> 1;
    const y1 = Math.min(h - 1, Math.max(0, y & 1 ? y0 + 1 : y0 - 1));
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      if (known[at] !== 0) continue;
      const x0 = x >> 1;
      const x1 = Math.min(w - 1, Math.max(0, x & 1 ? x0 + 1 : x0 - 1));
      const a = 3 * (y0 * w + x0);
      const b = 3 * (y0 * w + x1);
      const c = 3 * (y1 * w + x0);
      const d = 3 * (y1 * w + x1);
      for (let k = 0; k < 3; k += 1) {
        const near = 9 * (coarse.rgb[a + k] ?? 0);
        const side = 3 * ((coarse.rgb[b + k] ?? 0) + (coarse.rgb[c + k] ?? 0));
        rgb[3 * at + k] = (near + side + (coarse.rgb[d + k] ?? 0) + 8) >> 4;
      }
    }
  }
}

/**
 * Spreads known pixels outwards by one ring, in place: each unknown pixel beside known ones takes their average.
 * Nearer to the edge's own colour than `bleed`, which follows. Pixels on the picture's edge are left out.
 */
export function growByOne({ width, height, rgb }: Picture, known: Uint8Array): void {
  const around = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1];
  const ring: number[] = [];
  for (let y = 1; y < height - 1; y += 1) {
    // Of three neighbouring columns: how many of their pixels in the three rows around are known.
    let before = knownInColumn(known, y * width, width);
    let here = knownInColumn(known, y * width + 1, width);
    for (let at = y * width + 1; at < (y + 1) * width - 1; at += 1) {
      const after = knownInColumn(known, at + 1, width);
      const count = before + here + after;
      before = here;
      here = after;
      if (count === 0 || known[at] !== 0) continue;
      for (let k = 0; k < 3; k += 1) {
        let sum = 0;
        for (const step of around) if (known[at + step] !== 0) sum += rgb[3 * (at + step) + k] ?? 0;
        rgb[3 * at + k] = sum / count + 0.5;
      }
      ring.push(at);
    }
  }
  for (const at of ring) known[at] = 1;
}

function knownInColumn(known: Uint8Array, at: number, width: number): number {
  return (known[at - width] ?? 0) + (known[at] ?? 0) + (known[at + width] ?? 0);
}
