import { MeshwrightError } from '../errors.js';
import { invalidGlb } from './refusal.js';
import { validate } from './validate.js';

/**
 * Does something with a file. When that breaks on a file that breaks the rules of glTF (a number where a list should
 * be, in one of a thousand places), it is the file's fault and told so; on a valid file it is a defect of ours.
 *
 * @throws MeshwrightError `invalid_asset`, and whatever `work` throws
 */
export async function blamingFile<Out>(bytes: Uint8Array, work: () => Promise<Out>): Promise<Out> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MeshwrightError) throw error;
    const { errors, issues } = await validate(bytes).catch(() => ({ errors: 0, issues: [] }));
    const [first] = issues;
    if (errors === 0 || !first) throw error;
    const where = first.pointer === undefined ? '' : ` (${first.pointer})`;
    throw invalidGlb(
      `This GLB breaks the rules of glTF too far to be used: ${first.message.replace(/\.$/, '')}${where}. Export it again.`,
      error,
    );
  }
}
