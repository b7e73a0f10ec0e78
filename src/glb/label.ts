/** Small captions in a bitmap font: no font has to be installed, and they look the same everywhere. */

/** 5 × 7 capitals; one row of five bits per character, base 32, from the top. */
const GLYPHS: Record<string, string> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehgggge',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hhpljhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  T: 'v444444',
  U: 'hhhhhhe',
  '-': '000e000',
  ' ': '0000000',
};

/** 8-bit RGB, row by row from the top left. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

const INK = 38;
const PAPER = 244;

/**
 * Writes a caption on a light plate.
 *
 * @param scale pixels per dot of the font; @param x left edge of the plate; @param y its top edge
 */
export function drawLabel(picture: Picture, text: string, x: number, y: number, scale: number): void {
  const characters = text.toUpperCase().split('');
  const width = (characters.length * 6 + 3) * scale;
  fill(picture, x, y, width, 11 * scale, PAPER);
  for (const [i, character] of characters.entries()) {
    const glyph = GLYPHS[character] ?? GLYPHS[' '] ?? '';
    for (const [row, bits] of glyph.split('').entries()) {
      for (let column = 0; column < 5; column++) {
        if (!((Number.parseInt(bits, 32) >> (4 - column)) & 1)) continue;
        fill(picture, x + (2 + 6 * i + column) * scale, y + (2 + row) * scale, scale, scale, INK);
      }
    }
  }
}

function fill(picture: Picture, x: number, y: number, width: number, height: number, grey: number): void {
  const right = Math.min(picture.width, x + width);
  for (let row = Math.max(0, y); row < Math.min(picture.height, y + height); row++) {
    picture.data.fill(grey, 3 * (row * picture.width + Math.max(0, x)), 3 * (row * picture.width + right));
  }
}
