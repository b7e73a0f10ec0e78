import { MeshwrightError, type ErrorCode } from '../../src/errors.js';
import type { Random } from './random.js';

/** One parser of bytes from outside. A file in `targets/` that exports `target` is all that it takes. */
export interface Target {
  /** What is fed with what, in a few words. */
  about: string;
  /** Parts of the paths of the code whose coverage guides the search. */
  guides: readonly string[];
  /** Inputs to begin with, made in code. Inputs that once broke something belong here, too. */
  seeds: () => Promise<readonly Uint8Array[]> | readonly Uint8Array[];
  /** Knows the structure of the input; used for two mutations of three. */
  mutate?: Mutator;
  /** Texts that the parser looks for. */
  tokens?: readonly string[];
  /** Bytes of the largest input that is tried. */
  maxBytes?: number;
  /** Inputs of the quick form beside the seeds. */
  quick?: number;
  /** Throws, or answers a promise that rejects, when the input breaks something. Documented refusals do not. */
  run: (bytes: Uint8Array) => unknown;
  /** Ends what was begun for all inputs. */
  close?: () => Promise<void>;
}

export type Mutator = (bytes: Uint8Array, random: Random, tokens: readonly string[]) => Uint8Array;

export const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'utf8'));
export const json = (value: unknown): Uint8Array => text(JSON.stringify(value));
export const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** The input as JSON; undefined when it is none. */
export function toJsonValue(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(toText(bytes));
  } catch {
    return undefined;
  }
}

/**
 * Runs the work and lets pass the refusals that its documentation names, as long as their sentences can be read.
 *
 * @returns undefined when it was refused
 */
export async function unless<Out>(
  refusals: readonly ErrorCode[],
  work: () => Promise<Out> | Out,
): Promise<Out | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MeshwrightError) || !refusals.includes(error.code)) throw error;
    readable(error.message);
    return undefined;
  }
}

const MAX_SENTENCE = 6000;

/** A text for people: not empty, not endless, on its lines, with nothing that only a program would write. */
export function readable(sentence: string): void {
  const broken =
    sentence.trim() === ''
      ? 'is empty'
      : sentence.length > MAX_SENTENCE
        ? `has ${sentence.length} characters`
        : /\p{Cc}/u.test(sentence.replaceAll(/[\t\n]/g, ' '))
          ? 'holds a control character'
          : /\[object \w+\]/.test(sentence)
            ? 'was made of something that is no text'
            : undefined;
  if (broken !== undefined)
    throw new Broken(`a sentence ${broken}: ${JSON.stringify(sentence.slice(0, 300))}`);
}

/** A promise of the code that an input broke. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function hold(promise: boolean, what: string): void {
  if (!promise) throw new Broken(what);
}
