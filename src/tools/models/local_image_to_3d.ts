import * as z from 'zod';
import { image, maskImage, type Model } from '../../jobs/model.js';
import { isJsonObject } from '../../json.js';

const VIEW_FIELDS = {
  front: 'image_url',
  left: 'left_image_url',
  back: 'back_image_url',
  right: 'right_image_url',
  top: 'top_image_url',
};

export const model: Model = {
  tool: 'local_image_to_3d',
  title: 'Local image to 3D',
  description:
    'Free, offline draft model from pictures of one object, in seconds. One image is only a guess: depth and back are invented. ' +
    'A front and a side image give a usable shape; a top view helps wings, fins and cars. Best: straight-on views, whole object, plain or transparent background.',
  input: z.strictObject({
    image_url: image('Front view'),
    left_image_url: image("Seen from the object's -X side: its front points to the right edge").optional(),
    back_image_url: image('Back view; adds colour only').optional(),
    right_image_url: image('Seen from +X: its front points to the left edge').optional(),
    top_image_url: image('Seen from above: its front points down').optional(),
    mask_url: maskImage(
      'Silhouette of the front view, white on black, when the background is busy',
    ).optional(),
    shape: z
      .enum(['auto', 'inflate', 'lathe', 'extrude'])
      .default('auto')
      .describe('For one image: rounded, turned or flat-sided'),
    depth: z.number().min(0.02).max(4).describe('Depth / width, for one image').optional(),
    target_triangles: z
      .int()
      .min(100)
      .max(200_000)
      .default(20_000)
      .describe('More are kept where so few would ruin the shape'),
    texture_size: z.literal([1024, 2048]).default(2048),
  }),
  licence: 'the output is yours',
  typicalSeconds: 3,
  outputs: ['glb'],
  routes: [
    {
      provider: 'local',
      endpoint: 'meshwright/local',
      request: (args, images) => ({
        views: Object.fromEntries(
          Object.entries(VIEW_FIELDS).flatMap(([view, field]) => {
            const key = images[field];
            return typeof key === 'string' ? [[view, key]] : [];
          }),
        ),
        ...(typeof images['mask_url'] === 'string' ? { mask: images['mask_url'] } : {}),
        ...args,
      }),
      output: (body, [glb]) => ({
        files: glb ? [{ role: 'model', name: 'model.glb', source: { bytes: glb } }] : [],
        report: isJsonObject(body) ? body : undefined,
      }),
      prices: [{ usd: 0, source: 'runs on this machine', date: '2026-11-21' }],
    },
  ],
};
