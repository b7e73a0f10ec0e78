import { GLB_BUFFER, Logger, PlatformIO } from '@gltf-transform/core';
import type { Document, GLTF } from '@gltf-transform/core';
import { ALL_EXTENSIONS } from '@gltf-transform/extensions';
import { MeshwrightError } from '../errors.js';
import { checkGltf } from './check.js';
import { readContainer } from './container.js';
import { invalidGlb } from './refusal.js';
import { parseGltf } from './gltf-json.js';

export interface LoadedGlb {
  document: Document;
  /** The JSON as it stands in the file, checked. */
  json: GLTF.IGLTF;
  /** Extensions that the file requires and that are not understood here; what they describe is missing. */
  unsupported: string[];
}

/** Reads and writes memory only; it cannot reach a file or the network. */
class MemoryIO extends PlatformIO {
  protected override readURI(uri: string, type: 'view'): Promise<Uint8Array<ArrayBuffer>>;
  protected override readURI(uri: string, type: 'text'): Promise<string>;
  protected override readURI(uri: string): Promise<never> {
    return Promise.reject(
      invalidGlb(`This GLB needs another file ("${uri.slice(0, 80)}"), which is not read.`),
    );
  }

  protected override resolve(_base: string, path: string): string {
    return path;
  }

  protected override dirname(): string {
    return '';
  }
}

/** An IO with all extensions of gltf-transform, that prints nothing. Draco and meshopt have to be added. */
export function createIO(): PlatformIO {
  return new MemoryIO().setLogger(new Logger(Logger.Verbosity.SILENT)).registerExtensions(ALL_EXTENSIONS);
}

/**
 * Reads a GLB that nobody vouches for. Lengths, counts, references and image sizes are checked before anything is
 * decoded; external files are refused; the Draco and meshopt decoders are loaded when the file needs them.
 *
 * @throws MeshwrightError `invalid_asset` in a sentence that says what is wrong; `too_large`
 */
export async function load(bytes: Uint8Array): Promise<LoadedGlb> {
  const io = createIO();
  const { json, bin } = readContainer(bytes);
  const { checked, source } = parseGltf(json);
  checkGltf(checked, bin);
  const known = new Set(ALL_EXTENSIONS.map((extension) => extension.EXTENSION_NAME));
  const required = checked.extensionsRequired ?? [];
  const supported = required.filter((name) => known.has(name));
  io.registerDependencies(await decoders(checked.extensionsUsed ?? []));
  try {
    const document = await io.readJSON({
      json: { ...source, extensionsRequired: supported },
      resources: bin === undefined ? {} : { [GLB_BUFFER]: bin },
    });
    return { document, json: source, unsupported: required.filter((name) => !known.has(name)) };
  } catch (error) {
    if (error instanceof MeshwrightError) throw error;
    throw invalidGlb(
      'The geometry of this GLB cannot be decoded: the file is damaged. Export or download it again.',
      error,
    );
  }
}

async function decoders(extensions: string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  if (extensions.includes('KHR_draco_mesh_compression')) {
    const { default: draco } = await import('draco3dgltf');
    found['draco3d.decoder'] = await draco.createDecoderModule();
  }
  if (extensions.includes('EXT_meshopt_compression')) {
    const { MeshoptDecoder } = await import('meshoptimizer/decoder');
    await MeshoptDecoder.ready;
    found['meshopt.decoder'] = MeshoptDecoder;
  }
  return found;
}
