import type { ServiceId } from './bench.js';

/** One fault at one step of a job, and what the documents of the provider and our contract make of it. */

/** How a job stands once nothing changes any more while the fault lasts. */
export type End =
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'unconfirmed'
  /** Queued or running at the provider, which cannot be asked: it goes on by itself. */
  | 'waits'
  /** Done there, the files are missing here. */
  | 'files';

export interface Expected {
  ends: readonly End[];
  /** Of a job that did not succeed. */
  charged?: readonly ('no' | 'yes' | 'unknown')[];
  /** How the cause is told. */
  says?: RegExp;
  /** How often a job is sent, at most and at least. */
  posts: readonly [least: number, most: number];
  /** Jobs that the provider took. */
  accepted: readonly number[];
  /** How it stands once the fault is over and somebody waits for it. */
  healed?: End;
  /** How it ends when the fault stays, and hours go by. */
  later?: { end: End; charged: readonly ('no' | 'yes' | 'unknown')[]; says: RegExp };
  /** What the model's file is, where it is another one than the provider made. */
  format?: string;
}

export interface Placed {
  op: string;
  action: unknown;
  times?: number | 'always';
}

export interface Cell {
  provider: ServiceId;
  step: string;
  /** The fault, and how often it happens. */
  name: string;
  image: 'local' | 'url';
  faults: readonly Placed[];
  /** Nobody listens at the provider's from the beginning. */
  down?: true;
  /** It is asked to cancel as soon as it runs. */
  cancels?: true;
  /** fal's status stream in place of polling. */
  stream?: true;
  /** In a world of its own, whose clock was not moved by the cells before. */
  fresh?: true;
  expected: Expected;
  slow?: true;
}

export const cellName = ({ provider, step, name }: Cell): string => `${provider} ${step}: ${name}`;
