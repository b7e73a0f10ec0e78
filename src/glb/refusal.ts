import { MeshwrightError } from '../errors.js';
import { LIMITS } from './limits.js';

/** How files are refused: in sentences that say what is wrong and what to do. */

/** The error for a file that breaks the rules of GLB or glTF. */
export function invalidGlb(sentence: string, cause?: unknown): MeshwrightError {
  return new MeshwrightError('invalid_asset', sentence, { cause });
}

/** The error for a reference that leads nowhere. */
export function missing(owner: string, kind: string, index: number | string): Error {
  return invalidGlb(
    `In this GLB, ${owner} refers to ${kind} ${index}, which does not exist: the file is damaged. Export it again.`,
  );
}

/** The error for a file that is not even opened. */
export function fileTooLarge(size: number): MeshwrightError {
  return new MeshwrightError(
    'too_large',
    `The file has ${megabytes(size)}; files up to ${megabytes(LIMITS.fileBytes)} can be opened. Use a smaller version of the model.`,
  );
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}
