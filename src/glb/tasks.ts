import type { RenderOptions, RenderResult } from './render.js';
import type { Inspection } from './types.js';

/** What the worker can be asked, and what it answers. */

/** A path, which the worker reads, or the bytes of a file. */
export type GlbSource = string | Uint8Array;

export type GlbTask =
  { name: 'inspect'; source: GlbSource } | { name: 'render'; source: GlbSource; options: RenderOptions };

export type GlbTaskResult = Inspection | RenderResult;
