/**
 * What `inspect` finds out about a GLB: plain JSON, for agents and people. Lengths are metres in world space: +Y
 * is up and a model faces +Z (glTF 2.0 specification, 3.4). Types, not interfaces, so that they count as JSON.
 */

export type Inspection = {
  sizeBytes: number;
  /** The program that wrote the file, as it names itself. */
  generator?: string;
  copyright?: string;
  validation: ValidationReport;
  /** As drawn: a mesh that is used twice counts twice, here and for `triangles` and `primitives`. */
  vertices: number;
  triangles: number;
  primitives: number;
  /** As stored. */
  meshes: number;
  nodes: number;
  /** The first 50; `materialCount` counts all, likewise below. */
  materials: MaterialInfo[];
  materialCount: number;
  textures: TextureInfo[];
  textureCount: number;
  /** Bytes of all textures together, uncompressed with mip levels, as graphics cards hold them. */
  textureGpuBytes: number;
  animations: AnimationInfo[];
  animationCount: number;
  skins: SkinInfo[];
  skinCount: number;
  extensionsUsed: string[];
  extensionsRequired: string[];
  /** Of what is drawn, with node transforms and skins in the pose of the file; `null` when nothing is drawn. */
  bounds: { min: Vector3; max: Vector3 } | null;
  /** Width (x), height (y) and depth (z) in metres. */
  size: Vector3 | null;
  surface: SurfaceInfo;
  attributes: AttributeInfo;
  /** What may cause trouble, worst first. */
  warnings: InspectionWarning[];
};

export type Vector3 = [x: number, y: number, z: number];

/** The verdict of the Khronos glTF validator. */
export type ValidationReport = {
  /** No errors. */
  valid: boolean;
  errors: number;
  warnings: number;
  infos: number;
  hints: number;
  /** The first 20, errors first. */
  issues: ValidationIssue[];
};

export type ValidationIssue = {
  /** As in the validator's own list: `ACCESSOR_INDEX_OOB`, … */
  code: string;
  severity: 'error' | 'warning' | 'info' | 'hint';
  message: string;
  /** JSON pointer into the glTF JSON: `/meshes/0/primitives/0/indices`. */
  pointer?: string;
};

export type MaterialInfo = {
  name: string;
  /** Linear r, g, b, and alpha, 0 to 1. */
  baseColor: [r: number, g: number, b: number, a: number];
  /** 0 to 1, multiplied with the texture where there is one. */
  metallic: number;
  roughness: number;
  alphaMode: 'OPAQUE' | 'MASK' | 'BLEND';
  doubleSided: boolean;
  unlit: boolean;
  /** Numbers in `textures` by slot. */
  textures: { [slot in TextureSlot]?: number };
};

export type TextureSlot = 'baseColor' | 'metallicRoughness' | 'normal' | 'occlusion' | 'emissive' | 'other';

export type TextureInfo = {
  name: string;
  /** What materials use it for; empty when none does. */
  slots: TextureSlot[];
  mimeType: string;
  /** Pixels; `null` when the image is damaged. */
  width: number | null;
  height: number | null;
  /** In the file. */
  sizeBytes: number;
  /** Estimate with mip levels; KTX2 stays compressed on the graphics card. */
  gpuBytes: number | null;
};

export type AnimationInfo = { name: string; channels: number; seconds: number };

export type SkinInfo = { name: string; joints: number };

/** The surface as a whole, with vertices at the same place taken for one (UV seams are no holes). */
export type SurfaceInfo = {
  /** Every edge joins exactly two triangles: the surface has an inside, and can be 3D-printed. */
  watertight: boolean;
  /** Edges with one triangle: rims of holes. */
  boundaryEdges: number;
  /** Edges with more than two triangles. */
  nonManifoldEdges: number;
  /** Edges whose two triangles face opposite ways. */
  flippedEdges: number;
  /** Separate pieces. */
  parts: number;
  /** Triangles without area. */
  degenerateTriangles: number;
  /** Cubic metres; only for watertight surfaces, negative when the faces point inwards. */
  volume: number | null;
};

/** Whether all, some or none of the drawn primitives have it. */
export type AttributeInfo = { normals: Coverage; uvs: Coverage; vertexColors: Coverage };

export type Coverage = 'all' | 'some' | 'none';

export type InspectionWarning = {
  code: WarningCode;
  /** What is the matter, with numbers. */
  message: string;
  /** What can be done about it. */
  fix: string;
};

export type WarningCode =
  | 'empty'
  | 'invalid'
  | 'unsupported_extension'
  | 'inside_out'
  | 'huge'
  | 'tiny'
  | 'scaled_nodes'
  | 'off_origin'
  | 'helper_objects'
  | 'no_normals'
  | 'no_uvs'
  | 'missing_materials'
  | 'metal_without_texture'
  | 'not_watertight'
  | 'flipped_faces'
  | 'degenerate_triangles'
  | 'many_triangles'
  | 'large_textures'
  | 'odd_texture_size'
  | 'damaged_textures';
