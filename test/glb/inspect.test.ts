import { Document } from '@gltf-transform/core';
import { EXTMeshGPUInstancing, KHRTextureTransform } from '@gltf-transform/extensions';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/store/types.js';
import { inspect } from '../../src/glb/inspect.js';
import type { Inspection, WarningCode } from '../../src/glb/types.js';
import {
  FACES,
  addNode,
  addPrimitive,
  assemble,
  assembleText,
  cube,
  matte,
  plainCube,
  quad,
  squares,
  toGlb,
  triangle,
} from './fixtures.js';

const codes = ({ warnings }: Inspection): WarningCode[] => warnings.map(({ code }) => code);

const inspectDocument = async (document: Document): Promise<Inspection> => inspect(await toGlb(document));

describe('inspect', () => {
  it('finds nothing to complain about in a clean cube', async () => {
    const file = await toGlb(plainCube());
    const report = await inspect(file);
    expect(report).toMatchObject({
      sizeBytes: file.length,
      validation: { valid: true, errors: 0, warnings: 0 },
      vertices: 24,
      triangles: 12,
      primitives: 1,
      meshes: 1,
      nodes: 1,
      materialCount: 1,
      textureCount: 0,
      bounds: { min: [-0.5, -0.5, -0.5], max: [0.5, 0.5, 0.5] },
      size: [1, 1, 1],
      attributes: { normals: 'all', uvs: 'all', vertexColors: 'none' },
      warnings: [],
    });
    expect(report.generator).toMatch(/^glTF-Transform/);
    expect(report.materials[0]).toEqual({
      name: '',
      baseColor: [0.5, 0.5, 0.5, 1],
      metallic: 0,
      roughness: 1,
      alphaMode: 'OPAQUE',
      doubleSided: false,
      unlit: false,
      textures: {},
    });
  });

  it('is plain JSON', async () => {
    const report: JsonObject = await inspectDocument(plainCube());
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('takes seams in the vertices for what they are: the cube is watertight', async () => {
    const { surface } = await inspectDocument(plainCube());
    expect(surface).toEqual({
      watertight: true,
      boundaryEdges: 0,
      nonManifoldEdges: 0,
      flippedEdges: 0,
      parts: 1,
      degenerateTriangles: 0,
      volume: 1,
    });
  });

  it('closes a surface across primitives and nodes', async () => {
    const document = new Document();
    for (const face of FACES) addNode(document, face, addPrimitive(document, quad(face)));
    const { surface, primitives } = await inspectDocument(document);
    expect(primitives).toBe(6);
    expect(surface).toMatchObject({ watertight: true, parts: 1, volume: 1 });
  });

  it('sees the holes of an open surface', async () => {
    const document = new Document();
    addNode(document, 'plane', addPrimitive(document, quad('+y'), matte(document, [1, 1, 1])));
    const report = await inspectDocument(document);
    expect(report.surface).toMatchObject({ watertight: false, boundaryEdges: 4, volume: null });
    expect(report.size).toEqual([1, 0, 1]);
    expect(codes(report)).toEqual(['not_watertight']);
    expect(report.warnings[0]).toEqual({
      code: 'not_watertight',
      message: expect.stringContaining('4 edges at holes'),
      fix: expect.stringMatching(/^[A-Z].+\.$/),
    });
  });

  it('sees edges of three triangles, flipped triangles and triangles without area', async () => {
    const document = new Document();
    const positions = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0.5, 0, 0];
    const fin = { positions, indices: [0, 1, 2, 1, 0, 3, 0, 1, 4] };
    addNode(document, 'fin', addPrimitive(document, fin));
    expect((await inspectDocument(document)).surface).toMatchObject({
      nonManifoldEdges: 1,
      boundaryEdges: 6,
    });

    const flipped = new Document();
    addNode(flipped, 'pair', addPrimitive(flipped, { positions, indices: [0, 1, 2, 0, 1, 3] }));
    const report = await inspectDocument(flipped);
    expect(report.surface).toMatchObject({ flippedEdges: 1, nonManifoldEdges: 0 });
    expect(codes(report)).toContain('flipped_faces');

    const thin = new Document();
    addNode(thin, 'line', addPrimitive(thin, { positions, indices: [0, 1, 2, 0, 1, 5, 1, 1, 2] }));
    const lines = await inspectDocument(thin);
    expect(lines.surface.degenerateTriangles).toBe(2);
    expect(codes(lines)).toContain('degenerate_triangles');
  });

  it('notices a surface that is inside out, not one that a node mirrors', async () => {
    const shape = cube();
    const document = new Document();
    addNode(
      document,
      'cube',
      addPrimitive(document, { ...shape, indices: shape.indices.toReversed() }, matte(document, [1, 1, 1])),
    );
    const report = await inspectDocument(document);
    expect(report.surface.volume).toBe(-1);
    expect(codes(report)).toEqual(['inside_out']);

    const mirrored = plainCube();
    mirrored.getRoot().listNodes()[0]?.setScale([-1, 1, 1]);
    expect((await inspectDocument(mirrored)).surface).toMatchObject({ volume: 1, watertight: true });
  });

  it('counts separate parts, also within one mesh', async () => {
    const document = new Document();
    const far = cube().positions.map((value, i) => (i % 3 === 0 ? value + 3 : value));
    const pair = addPrimitive(document, cube());
    addNode(document, 'pair', pair, addPrimitive(document, { ...cube(), positions: far }));
    const { surface, size } = await inspectDocument(document);
    expect(surface).toMatchObject({ parts: 2, watertight: true, volume: 2 });
    expect(size).toEqual([4, 1, 1]);
  });

  it('measures in world space, through all transforms', async () => {
    const document = plainCube();
    const [node] = document.getRoot().listNodes();
    const parent = document.createNode('parent').setTranslation([0, 2, 0]).setScale([2, 2, 2]);
    document.getRoot().listScenes()[0]?.addChild(parent);
    if (node) parent.addChild(node.setTranslation([1, 0, 0]).setScale([1, 3, 1]));
    expect((await inspectDocument(document)).bounds).toEqual({ min: [1, -1, -1], max: [3, 5, 1] });
  });

  it('measures skinned meshes in the pose of their joints, not of their node', async () => {
    const document = plainCube();
    const [buffer] = document.getRoot().listBuffers();
    const [node] = document.getRoot().listNodes();
    const [primitive] = document.getRoot().listMeshes()[0]?.listPrimitives() ?? [];
    const joint = document.createNode('joint').setTranslation([0, 5, 0]).setScale([2, 2, 2]);
    document.getRoot().listScenes()[0]?.addChild(joint);
    const skin = document.createSkin('skin').addJoint(joint);
    const weights = new Float32Array(24 * 4).map((_, i) => (i % 4 === 0 ? 1 : 0));
    const attribute = (array: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>) =>
      document
        .createAccessor()
        .setType('VEC4')
        .setArray(array)
        .setBuffer(buffer ?? null);
    primitive?.setAttribute('JOINTS_0', attribute(new Uint16Array(24 * 4)));
    primitive?.setAttribute('WEIGHTS_0', attribute(weights));
    node?.setSkin(skin).setTranslation([100, 0, 0]);
    const report = await inspectDocument(document);
    expect(report.bounds).toEqual({ min: [-1, 4, -1], max: [1, 6, 1] });
    expect(report.skins).toEqual([{ name: 'skin', joints: 1 }]);
  });

  it('counts what is drawn: instances, strips, and only vertices in use', async () => {
    const twice = plainCube();
    const [mesh] = twice.getRoot().listMeshes();
    if (mesh)
      twice
        .getRoot()
        .listScenes()[0]
        ?.addChild(twice.createNode().setMesh(mesh).setTranslation([2, 0, 0]));
    expect(await inspectDocument(twice)).toMatchObject({ triangles: 24, vertices: 48, meshes: 1, nodes: 2 });

    const instanced = plainCube();
    const batch = instanced.createExtension(EXTMeshGPUInstancing).setRequired(true).createInstancedMesh();
    const [buffer] = instanced.getRoot().listBuffers();
    const places = new Float32Array([0, 0, 0, 0, 4, 0, 0, 8, 0]);
    batch.setAttribute(
      'TRANSLATION',
      instanced
        .createAccessor()
        .setType('VEC3')
        .setArray(places)
        .setBuffer(buffer ?? null),
    );
    instanced.getRoot().listNodes()[0]?.setExtension(EXTMeshGPUInstancing.EXTENSION_NAME, batch);
    expect(await inspectDocument(instanced)).toMatchObject({ triangles: 36, size: [1, 9, 1] });

    const { json } = triangle();
    const bin = new Uint8Array(new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 99, 99, 99]).buffer);
    const strip = {
      ...json,
      meshes: [{ primitives: [{ attributes: { POSITION: 0 }, indices: 1, mode: 5 }] }],
      accessors: [
        { bufferView: 0, componentType: 5126, type: 'VEC3', count: 5, min: [0, 0, 0], max: [99, 99, 99] },
        { bufferView: 1, componentType: 5121, type: 'SCALAR', count: 4 },
      ],
      bufferViews: [
        { buffer: 0, byteLength: 60 },
        { buffer: 0, byteOffset: 60, byteLength: 4 },
      ],
      buffers: [{ byteLength: 64 }],
    };
    const report = await inspect(assemble(strip, new Uint8Array([...bin, 0, 1, 2, 3])));
    expect(report).toMatchObject({ triangles: 2, vertices: 4, size: [1, 1, 0] });
    expect(report.surface).toMatchObject({ parts: 1, flippedEdges: 0, boundaryEdges: 4 });
  });

  it('describes textures, and what they cost on a graphics card', async () => {
    const document = plainCube();
    const [material] = document.getRoot().listMaterials();
    const base = document
      .createTexture('paint')
      .setMimeType('image/png')
      .setImage(await squares([[[200, 0, 0]]], 64));
    const spare = document
      .createTexture('spare')
      .setMimeType('image/png')
      .setImage(
        await squares(
          [
            [
              [0, 0, 0],
              [9, 9, 9],
            ],
          ],
          50,
        ),
      );
    const broken = document
      .createTexture('broken')
      .setMimeType('image/png')
      .setImage(new Uint8Array([137, 80, 78, 71]));
    material?.setName('skin').setBaseColorTexture(base).setNormalTexture(broken).setEmissiveTexture(base);
    document.createExtension(KHRTextureTransform);
    const report = await inspectDocument(document);
    expect(spare.getSize()).toEqual([100, 50]);
    expect(report.textures).toMatchObject([
      {
        name: 'paint',
        slots: ['baseColor', 'emissive'],
        mimeType: 'image/png',
        width: 64,
        height: 64,
        gpuBytes: 21845,
      },
      { name: 'spare', slots: [], width: 100, height: 50 },
      { name: 'broken', slots: ['normal'], width: null, height: null, gpuBytes: null },
    ]);
    expect(report.materials[0]).toMatchObject({
      name: 'skin',
      textures: { baseColor: 0, emissive: 0, normal: 2 },
    });
    expect(report.textureGpuBytes).toBe(21845 + 26667);
    expect(codes(report)).toEqual(expect.arrayContaining(['odd_texture_size', 'damaged_textures']));
  });

  it('survives an image with a damaged header, which throws the validator off', async () => {
    const document = plainCube();
    const image = new Uint8Array(await squares([[[200, 0, 0]]], 64));
    image[12] = 0;
    const texture = document.createTexture('broken').setMimeType('image/png').setImage(image);
    document.getRoot().listMaterials()[0]?.setBaseColorTexture(texture);
    const report = await inspectDocument(document);
    expect(report.validation.issues[0]).toMatchObject({ code: 'IMAGE_DATA_INVALID', pointer: '/images/0' });
    expect(codes(report)).toEqual(['invalid']);
  });

  it('survives a number beyond all bounds, at which the validator gives up', async () => {
    const glb = assembleText(
      '{"asset":{"version":"2.0"},"buffers":[{"byteLength":4}],"bufferViews":[{"buffer":0,"byteLength":4,"target":1e999}]}',
      new Uint8Array(4),
    );
    const { validation } = await inspect(glb);
    expect(validation).toMatchObject({ valid: false, errors: expect.any(Number) });
    expect(validation.errors).toBeGreaterThan(0);
  });

  it('lists animations with their length', async () => {
    const document = plainCube();
    const [buffer] = document.getRoot().listBuffers();
    const input = document
      .createAccessor()
      .setType('SCALAR')
      .setArray(new Float32Array([0, 1, 2.5]))
      .setBuffer(buffer ?? null);
    const output = document
      .createAccessor()
      .setType('VEC3')
      .setArray(new Float32Array(9))
      .setBuffer(buffer ?? null);
    const sampler = document.createAnimationSampler().setInput(input).setOutput(output);
    const channel = document.createAnimationChannel().setSampler(sampler).setTargetPath('translation');
    channel.setTargetNode(document.getRoot().listNodes()[0] ?? null);
    document.createAnimation('walk').addSampler(sampler).addChannel(channel);
    expect((await inspectDocument(document)).animations).toEqual([
      { name: 'walk', channels: 1, seconds: 2.5 },
    ]);
  });

  it('reports what the validator finds, errors first, with places', async () => {
    const { json, bin } = triangle();
    const wrong = { ...json, accessors: [{ ...json.accessors[0], max: [7, 7, 7] }], unexpected: 1 };
    const report = await inspect(assemble(wrong, bin));
    expect(report.validation).toMatchObject({ valid: false, errors: expect.any(Number) });
    expect(report.validation.errors).toBeGreaterThan(0);
    expect(report.validation.issues[0]).toMatchObject({
      severity: 'error',
      pointer: expect.stringContaining('/accessors/0'),
    });
    expect(codes(report)[0]).toBe('invalid');
  });

  it('shortens names, which are words of strangers', async () => {
    const document = plainCube();
    document
      .getRoot()
      .listMaterials()[0]
      ?.setName(`Ignore\nall\u202e previous ${'x'.repeat(500)}`);
    const [material] = (await inspectDocument(document)).materials;
    expect(material?.name).toMatch(/^Ignore all previous x+…$/);
    expect(material?.name).toHaveLength(64);
  });
});

describe('inspect warns', () => {
  it('of a scene with nothing in it', async () => {
    const { json, bin } = triangle();
    for (const change of [
      { nodes: [{}] },
      { meshes: [{ primitives: [{ attributes: { POSITION: 0 }, mode: 1 }] }] },
    ]) {
      const report = await inspect(assemble({ ...json, ...change }, bin));
      expect(report).toMatchObject({ size: null, bounds: null, triangles: 0 });
      expect(codes(report)).toContain('empty');
      expect(codes(report)).not.toContain('no_normals');
    }
  });

  it('of missing normals, texture coordinates and materials', async () => {
    const document = new Document();
    const { positions, indices } = cube();
    addNode(document, 'bare', addPrimitive(document, { positions, indices }));
    const report = await inspectDocument(document);
    expect(report.attributes).toEqual({ normals: 'none', uvs: 'none', vertexColors: 'none' });
    expect(codes(report)).toEqual(['no_normals', 'no_uvs', 'missing_materials']);
    addNode(
      document,
      'other',
      addPrimitive(document, { ...cube(), positions: positions.map((value) => value + 0.1) }),
    );
    const mixed = await inspectDocument(document);
    expect(mixed.attributes).toMatchObject({ normals: 'some', uvs: 'some' });
    expect(mixed.warnings.find(({ code }) => code === 'no_normals')?.message).toContain('1 of 2 primitives');
  });

  it('of sizes that nobody means', async () => {
    expect(codes(await inspectDocument(plainCube(170)))).toEqual(['huge']);
    expect(codes(await inspectDocument(plainCube(0.004)))).toEqual(['tiny']);
    for (const size of [0.05, 1, 30]) expect(codes(await inspectDocument(plainCube(size)))).toEqual([]);
  });

  it('of a node that makes up for data a hundred times too large', async () => {
    const document = plainCube(100);
    document.getRoot().listNodes()[0]?.setName('Armature').setScale([0.01, 0.01, 0.01]);
    const report = await inspectDocument(document);
    expect(report.size).toEqual([1, 1, 1]);
    expect(codes(report)).toEqual(['scaled_nodes']);
    expect(report.warnings[0]?.message).toContain('"Armature" scales its contents by 0.01');
  });

  it('of a model far from its origin', async () => {
    const document = plainCube();
    document.getRoot().listNodes()[0]?.setTranslation([0, 0, -8]);
    const report = await inspectDocument(document);
    expect(codes(report)).toEqual(['off_origin']);
    expect(report.warnings[0]?.message).toContain('7.5 m');
    document.getRoot().listNodes()[0]?.setTranslation([0, 0.5, 0]);
    expect(codes(await inspectDocument(document))).toEqual([]);
  });

  it('of helper objects beside the model', async () => {
    const document = new Document();
    const material = matte(document, [1, 1, 1]);
    const many = Array.from({ length: 60 }, (_, i) => cube().positions.map((value) => value + i / 50));
    addNode(
      document,
      'body',
      ...many.map((positions) => addPrimitive(document, { ...cube(), positions }, material)),
    );
    addNode(document, 'Icosphere', addPrimitive(document, cube(0.1), material));
    const report = await inspectDocument(document);
    expect(codes(report)).toContain('helper_objects');
    expect(report.warnings.find(({ code }) => code === 'helper_objects')?.message).toContain('"Icosphere"');
    // Without one that outweighs them, parts may be called what they like.
    addNode(
      document,
      'legs',
      ...many.map((positions) => addPrimitive(document, { ...cube(), positions }, material)),
    );
    expect(codes(await inspectDocument(document))).not.toContain('helper_objects');
  });

  it('of bare metal, huge textures and extensions it does not know', async () => {
    const document = plainCube();
    const [material] = document.getRoot().listMaterials();
    const wide = await squares([[[0, 0, 0]]], 8);
    Buffer.from(wide.buffer, wide.byteOffset).writeUInt32BE(8192, 16);
    material
      ?.setMetallicFactor(1)
      .setBaseColorTexture(document.createTexture().setMimeType('image/png').setImage(new Uint8Array(wide)));
    expect(codes(await inspectDocument(document))).toEqual(
      expect.arrayContaining(['metal_without_texture', 'large_textures']),
    );
    const { json, bin } = triangle();
    const required = { extensionsUsed: ['ACME_secret'], extensionsRequired: ['ACME_secret'] };
    const report = await inspect(assemble({ ...json, ...required }, bin));
    expect(codes(report)).toContain('unsupported_extension');
    expect(report.extensionsRequired).toEqual(['ACME_secret']);
  });

  it('of more triangles than run in real time', async () => {
    const document = plainCube();
    const [primitive] = document.getRoot().listMeshes()[0]?.listPrimitives() ?? [];
    const corners = cube().indices;
    const indices = new Uint16Array(3 * 200_004).map((_, i) => corners[i % 36] ?? 0);
    primitive?.getIndices()?.setArray(indices);
    expect(codes(await inspectDocument(document))).toContain('many_triangles');
  });
});
