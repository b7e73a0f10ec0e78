import { MeshwrightError } from '../errors.js';
import type { Page } from './types.js';

/** Where a page of rows, newest first, ended: rows added later do not shift the next page. */
export interface Position {
  createdAt: number;
  id: string;
}

/** Before the first page: newer than every row. */
const START: Position = { createdAt: Number.MAX_SAFE_INTEGER, id: '' };

/**
 * @throws MeshwrightError `invalid_arguments` when the text was not made by `pageOf`
 */
export function positionOf(cursor: string | undefined): Position {
  if (cursor === undefined) return START;
  const match = /^([0-9a-z]{1,11})\.([a-z]+_[0-9a-z]+)$/.exec(
    Buffer.from(cursor, 'base64url').toString('latin1'),
  );
  const [, time, id] = match ?? [];
  const createdAt = time === undefined ? Number.NaN : Number.parseInt(time, 36);
  if (id === undefined || !Number.isSafeInteger(createdAt)) {
    throw new MeshwrightError(
      'invalid_arguments',
      'cursor is not one that this server gave out. Leave it out to start at the newest entry.',
      { field: 'cursor' },
    );
  }
  return { createdAt, id };
}

/** @param rows Up to `limit + 1` rows; the one too many only shows that there is a next page. */
export function pageOf<Row extends Position>(rows: Row[], limit: number): Page<Row> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  if (rows.length <= limit || !last) return { rows: shown };
  const text = `${last.createdAt.toString(36)}.${last.id}`;
  return { rows: shown, nextCursor: Buffer.from(text, 'latin1').toString('base64url') };
}
