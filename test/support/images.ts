import sharp from 'sharp';

/** A shaded ball with a stripe on white: one clear object, different for every seed. */
export async function ballPng(seed = 0, size = 192): Promise<Buffer> {
  const data = Buffer.alloc(size * size * 3, 255);
  const radius = size * (0.3 + (seed % 7) * 0.01);
  const centre = size / 2;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [(x + 0.5 - centre) / radius, (y + 0.5 - centre) / radius];
      const inside = dx * dx + dy * dy;
      if (inside > 1) continue;
      const light = 0.45 + 0.55 * Math.sqrt(1 - inside);
      const stripe = Math.abs(dy) < 0.2;
      const colour = stripe ? [40, 60, 200] : [200, 50 + ((seed * 37) % 120), 40];
      colour.forEach((value, channel) => (data[3 * (y * size + x) + channel] = Math.round(value * light)));
    }
  }
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
}

export const dataUri = (bytes: Buffer, mimeType = 'image/png'): string =>
  `data:${mimeType};base64,${bytes.toString('base64')}`;
