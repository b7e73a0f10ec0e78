import { Document } from '@gltf-transform/core';
import {
  KHRMaterialsEmissiveStrength,
  KHRMaterialsPBRSpecularGlossiness,
  KHRMaterialsUnlit,
  KHRTextureTransform,
} from '@gltf-transform/extensions';
import { describe, expect, it } from 'vitest';
import { render } from '../../src/glb/render.js';
import type { RenderOptions } from '../../src/glb/render.js';
import type { Rgb } from './fixtures.js';
import {
  addNode,
  addPrimitive,
  assemble,
  colouredCube,
  cube,
  matte,
  merge,
  plainCube,
  quad,
  squares,
  toGlb,
  triangle,
} from './fixtures.js';
import { brightness, colorAt, coverage, decode, difference, hue } from './pictures.js';

async function picture(document: Document, options: RenderOptions = {}) {
  const result = await render(await toGlb(document), { size: 384, ...options });
  const pixels = await decode(result);
  const at = (view: string, x = 0.5, y = 0.5): Rgb => colorAt(pixels, result, view, x, y);
  return { result, pixels, at, coverage: (view: string) => coverage(pixels, result, view) };
}

/** One side of a cube that looks at the front camera, with a picture on it. */
async function card(colors: Rgb[][]): Promise<{ document: Document; material: ReturnType<typeof matte> }> {
  const document = new Document();
  const texture = document
    .createTexture()
    .setMimeType('image/png')
    .setImage(new Uint8Array(await squares(colors, 32)));
  const material = matte(document, [1, 1, 1]).setBaseColorTexture(texture);
  addNode(document, 'card', addPrimitive(document, quad('+z'), material));
  return { document, material };
}

const front = { views: ['front'] } as const;
const RED: Rgb = [220, 20, 20];
const GREEN: Rgb = [20, 200, 20];
const BLUE: Rgb = [20, 20, 220];

describe('render', () => {
  it('shows each side in the view that is named after it', async () => {
    const { result, at } = await picture(colouredCube());
    expect(result.views.map(({ name }) => name)).toEqual(['front', 'right', 'back', 'three-quarter']);
    expect(hue(at('front'))).toBe('r--');
    expect(hue(at('right'))).toBe('-g-');
    expect(hue(at('back'))).toBe('--b');
    // From in front, to the right and above: three sides at once.
    expect(hue(at('three-quarter', 0.35, 0.6))).toBe('r--');
    expect(hue(at('three-quarter', 0.72, 0.6))).toBe('-g-');
    expect(hue(at('three-quarter', 0.5, 0.2))).toBe('-gb');
  });

  it('has the other three views, too, and any number of them', async () => {
    const { result, at } = await picture(colouredCube(), { views: ['left', 'top', 'bottom'] });
    expect(hue(at('left'))).toBe('rg-');
    expect(hue(at('top'))).toBe('-gb');
    expect(hue(at('bottom'))).toBe('r-b');
    expect([result.width, result.height]).toEqual([384, 128]);
    const shapes = [
      [256, 256],
      [256, 128],
      [255, 85],
      [256, 256],
      [255, 170],
      [255, 170],
      [256, 128],
    ];
    const all = ['front', 'right', 'back', 'left', 'top', 'bottom', 'three-quarter'] as const;
    for (const [i, [width, height]] of shapes.entries()) {
      const { result: sheet } = await picture(colouredCube(), { views: all.slice(0, i + 1), size: 256 });
      expect([sheet.width, sheet.height, sheet.views.length]).toEqual([width, height, i + 1]);
    }
  });

  it('turns pictures the way cameras do: left is left and up is up', async () => {
    const colors: Rgb[][] = [
      [RED, GREEN],
      [BLUE, [230, 230, 230]],
    ];
    const { document } = await card(colors);
    const { at } = await picture(document, front);
    expect(hue(at('front', 0.3, 0.3))).toBe('r--');
    expect(hue(at('front', 0.7, 0.3))).toBe('-g-');
    expect(hue(at('front', 0.3, 0.7))).toBe('--b');
    expect(hue(at('front', 0.7, 0.7))).toBe('rgb');
    const arm = new Document();
    const stick = cube().positions.map((value, i) => (i % 3 === 0 ? 1 + value : value / 8));
    const body = addPrimitive(arm, cube(), matte(arm, [0.2, 0.2, 0.2]));
    addNode(arm, 'body', body, addPrimitive(arm, { ...cube(), positions: stick }, matte(arm, [1, 0, 0])));
    // The arm points to +X: to the right from in front, to the left from behind, to the viewer from the right.
    const views = await picture(arm, { views: ['front', 'back', 'right', 'left', 'top', 'bottom'] });
    expect(hue(views.at('front', 0.9))).toBe('r--');
    expect(hue(views.at('back', 0.1))).toBe('r--');
    expect(hue(views.at('right'))).toBe('r--');
    expect(hue(views.at('left'))).toBe('rgb');
    expect(hue(views.at('top', 0.9))).toBe('r--');
    expect(hue(views.at('bottom', 0.9))).toBe('r--');
  });

  it('draws all views at one scale and in the frame', async () => {
    const document = new Document();
    const tall = cube().positions.map((value, i) => (i % 3 === 1 ? value * 3 : value));
    addNode(
      document,
      'tall',
      addPrimitive(document, { ...cube(), positions: tall }, matte(document, [1, 0, 0])),
    );
    document.getRoot().listNodes()[0]?.setTranslation([40, -7, 3]);
    const { result, coverage: share } = await picture(document, { views: ['front', 'top'], size: 1024 });
    // Three metres fill 86 % of the tile.
    expect(result.pixelsPerMeter).toBeCloseTo((512 * 0.86) / 3, 1);
    const caption = 0.02;
    expect(share('front')).toBeCloseTo((0.86 * 0.86) / 3 + caption, 1);
    expect(share('top')).toBeCloseTo((0.86 / 3) ** 2 + caption, 1);
  });

  it('writes the name of its view into each tile', async () => {
    const { pixels, result } = await picture(plainCube());
    const captions = result.views.map(({ name }) =>
      Array.from({ length: 60 * 8 }, (_, i) => {
        const level = brightness(
          colorAt(pixels, result, name, (6 + (i % 60)) / 192, (7 + Math.floor(i / 60)) / 192),
        );
        return level < 60 ? '#' : level > 230 ? ' ' : '.';
      }).join(''),
    );
    for (const caption of captions) expect(caption).toMatch(/#/);
    expect(new Set(captions).size).toBe(4);
  });

  it('hides what is behind', async () => {
    const document = new Document();
    const behind = quad('+z', 1).positions.map((value, i) => (i % 3 === 2 ? value - 1 : value));
    addNode(
      document,
      'cards',
      addPrimitive(document, quad('+z', 0.5), matte(document, [1, 0, 0])),
      addPrimitive(document, { ...quad('+z'), positions: behind }, matte(document, [0, 1, 0])),
    );
    const { at } = await picture(document, front);
    expect(hue(at('front'))).toBe('r--');
    expect(hue(at('front', 0.2, 0.2))).toBe('-g-');
  });

  it('leaves out the backs of single-sided surfaces, unless a node mirrors them', async () => {
    const document = new Document();
    const { node } = addNode(
      document,
      'card',
      addPrimitive(document, quad('+z'), matte(document, [1, 0, 0])),
    );
    const single = await picture(document, { views: ['front', 'back'] });
    expect(hue(single.at('front'))).toBe('r--');
    expect(hue(single.at('back'))).toBe('rgb');
    document.getRoot().listMaterials()[0]?.setDoubleSided(true);
    expect(hue((await picture(document, { views: ['back'] })).at('back'))).toBe('r--');
    document.getRoot().listMaterials()[0]?.setDoubleSided(false);
    node.setScale([-1, 1, 1]);
    expect(hue((await picture(document, front)).at('front'))).toBe('r--');
  });

  it('lights from above, and white is not burnt out', async () => {
    const { at } = await picture(plainCube(), { views: ['three-quarter', 'bottom', 'top'] });
    expect(brightness(at('three-quarter', 0.5, 0.2))).toBeGreaterThan(
      brightness(at('three-quarter', 0.7, 0.6)) + 10,
    );
    const document = new Document();
    addNode(document, 'white', addPrimitive(document, cube(), matte(document, [1, 1, 1])));
    const white = await picture(document, { views: ['front', 'bottom', 'top'] });
    expect(brightness(white.at('front'))).toBeGreaterThan(200);
    expect(brightness(white.at('top'))).toBeGreaterThan(brightness(white.at('front')));
    expect(brightness(white.at('top'))).toBeLessThan(252);
    expect(brightness(white.at('bottom'))).toBeLessThan(brightness(white.at('front')));
  });

  it('shows surfaces without a material, and flat facets without normals', async () => {
    const document = new Document();
    const { positions, indices } = cube();
    addNode(document, 'bare', addPrimitive(document, { positions, indices }));
    const { at } = await picture(document, { views: ['three-quarter'] });
    const [left, right, top] = [
      at('three-quarter', 0.35, 0.6),
      at('three-quarter', 0.72, 0.6),
      at('three-quarter', 0.5, 0.2),
    ];
    expect(brightness(left)).toBeGreaterThan(120);
    expect(new Set([left, right, top].map((color) => Math.round(brightness(color) / 8))).size).toBe(3);
  });
});

describe('render shows', () => {
  it('masked parts as holes, in every style', async () => {
    const { document, material } = await card([
      [RED, RED],
      [RED, RED],
    ]);
    const hole = Buffer.alloc(4 * 32 * 32, 255);
    for (let i = 0; i < 32 * 32; i++) hole.set([255, 0, 0, i % 32 < 16 ? 255 : 40], 4 * i);
    const { default: sharp } = await import('sharp');
    const image = await sharp(hole, { raw: { width: 32, height: 32, channels: 4 } })
      .png()
      .toBuffer();
    material.getBaseColorTexture()?.setImage(new Uint8Array(image));
    const behind = quad('+z').positions.map((value, i) => (i % 3 === 2 ? value - 1 : value));
    addNode(
      document,
      'wall',
      addPrimitive(document, { ...quad('+z'), positions: behind }, matte(document, [0, 0, 1])),
    );
    const opaque = await picture(document, front);
    expect(hue(opaque.at('front', 0.7))).toBe('r--');
    material.setAlphaMode('MASK').setAlphaCutoff(0.5);
    const masked = await picture(document, front);
    expect(hue(masked.at('front', 0.3))).toBe('r--');
    expect(hue(masked.at('front', 0.7))).toBe('--b');
    material.setAlphaCutoff(0.1);
    expect(hue((await picture(document, front)).at('front', 0.7))).toBe('r--');
    material.setAlphaCutoff(0.5);
    document.getRoot().listNodes()[1]?.dispose();
    const clay = await picture(document, { ...front, style: 'clay' });
    const paper = clay.at('front', 0.97, 0.97);
    expect(clay.at('front', 0.7)).toEqual(paper);
    expect(clay.at('front', 0.3)).not.toEqual(paper);
  });

  it('blended parts half through', async () => {
    const document = new Document();
    const behind = quad('+z').positions.map((value, i) => (i % 3 === 2 ? value - 1 : value));
    const glass = matte(document, [1, 0, 0]).setAlphaMode('BLEND').setBaseColorFactor([1, 0, 0, 0.5]);
    addNode(
      document,
      'cards',
      addPrimitive(document, quad('+z'), glass),
      addPrimitive(document, { ...quad('+z'), positions: behind }, matte(document, [0, 0, 1])),
    );
    const { pixels, result } = await picture(document, front);
    const sum: Rgb = [0, 0, 0];
    for (let i = 0; i < 64; i++) {
      const color = colorAt(pixels, result, 'front', 0.4 + (i % 8) / 128, 0.4 + Math.floor(i / 8) / 128);
      sum.forEach((_, channel) => (sum[channel] = (sum[channel] ?? 0) + (color[channel] ?? 0) / 64));
    }
    expect(hue(sum)).toBe('r-b');
  });

  it('vertex colours, emission, unlit and specular-glossiness materials', async () => {
    const colored = new Document();
    const primitive = addPrimitive(colored, quad('+z'), matte(colored, [1, 1, 1]));
    const colors = new Float32Array([1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0]);
    const [buffer] = colored.getRoot().listBuffers();
    primitive.setAttribute(
      'COLOR_0',
      colored
        .createAccessor()
        .setType('VEC3')
        .setArray(colors)
        .setBuffer(buffer ?? null),
    );
    addNode(colored, 'card', primitive);
    expect(hue((await picture(colored, front)).at('front'))).toBe('r--');

    const glowing = new Document();
    const lamp = matte(glowing, [0, 0, 0]).setEmissiveFactor([0, 0.2, 0]);
    const strength = glowing
      .createExtension(KHRMaterialsEmissiveStrength)
      .createEmissiveStrength()
      .setEmissiveStrength(4);
    lamp.setExtension(KHRMaterialsEmissiveStrength.EXTENSION_NAME, strength);
    addNode(glowing, 'lamp', addPrimitive(glowing, quad('-y'), lamp));
    const lit = (await picture(glowing, { views: ['bottom'] })).at('bottom');
    expect(hue(lit)).toBe('-g-');
    expect(lit[1]).toBeGreaterThan(200);

    const { document, material } = await card([[[12, 200, 100]]]);
    material.setExtension('KHR_materials_unlit', document.createExtension(KHRMaterialsUnlit).createUnlit());
    expect((await picture(document, front)).at('front')).toEqual(
      [12, 200, 100].map((value) => expect.closeTo(value, -0.5)),
    );

    const shiny = await card([[RED]]);
    const image = shiny.material.getBaseColorTexture();
    const specGloss = shiny.document
      .createExtension(KHRMaterialsPBRSpecularGlossiness)
      .createPBRSpecularGlossiness();
    specGloss
      .setDiffuseTexture(image)
      .setDiffuseFactor([1, 1, 1, 1])
      .setGlossinessFactor(0.1)
      .setSpecularFactor([0.04, 0.04, 0.04]);
    shiny.material.setBaseColorTexture(null).setBaseColorFactor([0, 1, 0, 1]);
    shiny.material.setExtension(KHRMaterialsPBRSpecularGlossiness.EXTENSION_NAME, specGloss);
    expect(hue((await picture(shiny.document, front)).at('front'))).toBe('r--');
  });

  it('the second set of texture coordinates, moved and repeated textures', async () => {
    const { document, material } = await card([[RED, BLUE]]);
    const [primitive] = document.getRoot().listMeshes()[0]?.listPrimitives() ?? [];
    const [buffer] = document.getRoot().listBuffers();
    const uvs = new Float32Array([0.6, 0.6, 0.9, 0.6, 0.9, 0.4, 0.6, 0.4]);
    primitive?.setAttribute(
      'TEXCOORD_1',
      document
        .createAccessor()
        .setType('VEC2')
        .setArray(uvs)
        .setBuffer(buffer ?? null),
    );
    material.getBaseColorTextureInfo()?.setTexCoord(1);
    expect(hue((await picture(document, front)).at('front', 0.2))).toBe('--b');
    const info = material.getBaseColorTextureInfo()?.setTexCoord(0);
    expect(hue((await picture(document, front)).at('front', 0.2))).toBe('r--');
    const transform = document.createExtension(KHRTextureTransform).createTransform().setOffset([1.5, 0]);
    info?.setExtension(KHRTextureTransform.EXTENSION_NAME, transform);
    expect(hue((await picture(document, front)).at('front', 0.2))).toBe('--b');
    // Clamped, everything beyond the right edge is the right edge.
    info?.setWrapS(33071);
    expect(hue((await picture(document, front)).at('front', 0.8))).toBe('--b');
    info?.setWrapS(10497);
    expect(hue((await picture(document, front)).at('front', 0.8))).toBe('r--');
    // A quarter turn: u runs downwards and v to the left.
    const quarters = await card([
      [RED, GREEN],
      [BLUE, [230, 230, 230]],
    ]);
    const turn = quarters.document
      .createExtension(KHRTextureTransform)
      .createTransform()
      .setRotation(Math.PI / 2);
    quarters.material.getBaseColorTextureInfo()?.setExtension(KHRTextureTransform.EXTENSION_NAME, turn);
    const turned = await picture(quarters.document, front);
    const corners = [
      [0.3, 0.3],
      [0.7, 0.3],
      [0.3, 0.7],
      [0.7, 0.7],
    ] as const;
    expect(corners.map(([x, y]) => hue(turned.at('front', x, y)))).toEqual(['--b', 'r--', 'rgb', '-g-']);
  });

  it('normal maps: what faces the light is brighter, whichever way the texture lies', async () => {
    const lit = async (uvs: number[], normal: Rgb): Promise<number> => {
      const document = new Document();
      const image = new Uint8Array(await squares([[normal]], 8));
      const texture = document.createTexture().setMimeType('image/png').setImage(image);
      const material = matte(document, [0.6, 0.6, 0.6]).setNormalTexture(texture);
      addNode(document, 'card', addPrimitive(document, { ...quad('+z'), uvs }, material));
      return brightness((await picture(document, { ...front, size: 256 })).at('front'));
    };
    const { uvs: straight } = quad('+z');
    const flat = await lit(straight, [128, 128, 255]);
    // The key light comes from the upper left. Red is along u, green against v.
    const [left, right]: [Rgb, Rgb] = [
      [60, 128, 230],
      [196, 128, 230],
    ];
    const [up, down]: [Rgb, Rgb] = [
      [128, 196, 230],
      [128, 60, 230],
    ];
    expect(await lit(straight, left)).toBeGreaterThan((await lit(straight, right)) + 10);
    expect(await lit(straight, up)).toBeGreaterThan((await lit(straight, down)) + 10);
    expect(await lit(straight, right)).toBeLessThan(flat);
    // Turned: u runs downwards and v to the left.
    const turned = [1, 1, 1, 0, 0, 0, 0, 1];
    expect(await lit(turned, left)).toBeGreaterThan((await lit(turned, right)) + 10);
    expect(await lit(turned, down)).toBeGreaterThan((await lit(turned, up)) + 10);
  });

  it('creases darker than open surfaces, and ridges not', async () => {
    const fold = async (depth: number): Promise<number> => {
      const document = new Document();
      // An open book that looks at the viewer, or shows its back.
      const corner = (x: number, y: number): number[] => [x, y, depth * Math.abs(x)];
      const pages = [-0.5, 0, 0.5].flatMap((x) => [corner(x, -0.5), corner(x, 0.5)]);
      const book = { positions: pages.flat(), indices: [0, 2, 1, 1, 2, 3, 2, 4, 3, 3, 4, 5] };
      addNode(document, 'book', addPrimitive(document, book));
      const { at } = await picture(document, { ...front, style: 'clay' });
      return brightness(at('front', 0.7)) - brightness(at('front', 0.51));
    };
    expect(await fold(1)).toBeGreaterThan(8);
    expect(await fold(-1)).toBeCloseTo(0, -0.5);
  });

  it('dark metal as metal: with lights and shadows in it', async () => {
    const document = new Document();
    const metal = matte(document, [0.08, 0.08, 0.08]).setMetallicFactor(1).setRoughnessFactor(0.25);
    const shape = merge(cube());
    const round = shape.positions.flatMap((_, i) => {
      const [x = 0, y = 0, z = 0] = shape.positions.slice(3 * Math.floor(i / 3), 3 * Math.floor(i / 3) + 3);
      return (shape.positions[i] ?? 0) / Math.hypot(x, y, z);
    });
    addNode(document, 'knob', addPrimitive(document, { ...shape, normals: round }, metal));
    const { at } = await picture(document, front);
    const levels = Array.from({ length: 81 }, (_, i) =>
      brightness(at('front', 0.12 + (i % 9) * 0.095, 0.12 + Math.floor(i / 9) * 0.095)),
    );
    expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(40);
  });

  it('styles: clay without colours, inside-out in red, normals as colours, edges in wireframes', async () => {
    const clay = await picture(colouredCube(), { style: 'clay' });
    for (const view of ['front', 'right', 'back']) {
      const [r, g, b] = clay.at(view);
      expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThan(12);
    }
    const shape = cube();
    const inside = new Document();
    const flipped = { ...shape, indices: shape.indices.toReversed() };
    addNode(inside, 'cube', addPrimitive(inside, flipped, matte(inside, [1, 1, 1])));
    // The description of view_asset says that red is the back of a surface in these two styles.
    for (const style of ['clay', 'wireframe'] as const) {
      expect(hue((await picture(inside, { ...front, style })).at('front', 0.4, 0.55))).toBe('r--');
    }

    const normals = await picture(plainCube(), { views: ['front', 'right', 'top'], style: 'normals' });
    expect(normals.at('front')).toEqual([128, 128, 255]);
    expect(normals.at('right')).toEqual([255, 128, 128]);
    expect(normals.at('top')).toEqual([128, 255, 128]);

    const wires = await picture(plainCube(), { ...front, style: 'wireframe', size: 512 });
    // Along a line across the diagonal of the front side.
    const line = Array.from({ length: 120 }, (_, i) => brightness(wires.at('front', 0.4 + i / 512, 0.5)));
    expect(Math.max(...line) - Math.min(...line)).toBeGreaterThan(60);
    const same = Array.from({ length: 120 }, (_, i) => brightness(clay.at('front', 0.3 + i / 300, 0.4)));
    expect(Math.max(...same) - Math.min(...same)).toBeLessThan(30);
  });
});

describe('render promises', () => {
  it('at most 1024 pixels and 200 kB, PNG or JPEG, whatever is drawn', async () => {
    const document = new Document();
    const { default: sharp } = await import('sharp');
    const noise = Buffer.alloc(3 * 1024 * 1024).map(
      (_, i) => (Math.imul(i ^ (i >> 7), 2654435761) >>> 13) & 255,
    );
    const image = await sharp(noise, { raw: { width: 1024, height: 1024, channels: 3 } })
      .png()
      .toBuffer();
    const texture = document.createTexture().setMimeType('image/png').setImage(new Uint8Array(image));
    const material = matte(document, [1, 1, 1]).setBaseColorTexture(texture);
    material.setExtension('KHR_materials_unlit', document.createExtension(KHRMaterialsUnlit).createUnlit());
    addNode(document, 'noise', addPrimitive(document, cube(), material));
    const busy = await render(await toGlb(document));
    expect(busy).toMatchObject({ mimeType: 'image/jpeg', width: 1024, height: 1024 });
    expect(busy.image.length).toBeLessThanOrEqual(200_000);
    expect((await sharp(busy.image).metadata()).format).toBe('jpeg');
    const calm = await render(await toGlb(plainCube()), { size: 300 });
    expect(calm).toMatchObject({ mimeType: 'image/png', width: 300, height: 300 });
    expect((await sharp(calm.image).metadata()).format).toBe('png');
  });

  it('the same picture for the same file', async () => {
    const [one, other] = await Promise.all([picture(colouredCube()), picture(colouredCube())]);
    expect(difference(one.pixels, other.pixels)).toBe(0);
  });

  it('a note about what it cannot show', async () => {
    const { document, material } = await card([[RED]]);
    material.getBaseColorTexture()?.setImage(new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 1]));
    const { result, at } = await picture(document, front);
    expect(result.notes).toEqual([expect.stringContaining('1 of 1 textures')]);
    expect(hue(at('front'))).toBe('rgb');
    const { json, bin } = triangle();
    const lines = { attributes: { POSITION: 0 }, mode: 1 };
    const file = assemble(
      {
        ...json,
        extensionsUsed: ['ACME_fur'],
        extensionsRequired: ['ACME_fur'],
        meshes: [{ primitives: [...(json.meshes[0]?.primitives ?? []), lines] }],
      },
      bin,
    );
    expect((await render(file, { size: 256 })).notes).toEqual([
      expect.stringContaining('ACME_fur'),
      expect.stringContaining('Points and lines'),
    ]);
  });

  it('no picture of nothing, and none of damaged numbers', async () => {
    const { json, bin } = triangle();
    await expect(render(assemble({ ...json, nodes: [{}] }, bin))).rejects.toMatchObject({
      code: 'invalid_asset',
      message: expect.stringContaining('nothing to see'),
    });
    const broken = new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, NaN, 0, 0, Infinity, 1, 1, 1, 1, 1]);
    const accessor = { bufferView: 0, componentType: 5126, type: 'VEC3', count: 6 };
    const sized = {
      accessors: [accessor],
      bufferViews: [{ buffer: 0, byteLength: 72 }],
      buffers: [{ byteLength: 72 }],
    };
    const result = await render(assemble({ ...json, ...sized }, new Uint8Array(broken.buffer)), {
      size: 256,
      ...front,
    });
    expect(result.pixelsPerMeter).toBeCloseTo(256 * 0.86, 0);
  });

  it('a clear word about wrong options and files', async () => {
    const file = await toGlb(plainCube());
    const cases: [RenderOptions, string][] = [
      [{ views: [] }, 'views'],
      [{ views: ['front', 'front'] }, 'views'],
      [{ size: 200 }, 'size'],
      [{ size: 2000 }, 'size'],
      [{ size: 500.5 }, 'size'],
    ];
    for (const [options, field] of cases) {
      await expect(render(file, options)).rejects.toMatchObject({ code: 'invalid_arguments', field });
    }
    await expect(render(Buffer.from('<html></html>'))).rejects.toMatchObject({
      code: 'invalid_asset',
      message: expect.stringContaining('an HTML page'),
    });
  });
});
