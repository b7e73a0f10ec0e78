import { openStore } from '../../src/store/index.js';
import { LOCAL_PRINCIPAL } from '../../src/open.js';
import type { Asset, Job } from '../../src/store/types.js';

export interface Rows {
  jobs: Job[];
  assets: Asset[];
}

/** Every row of a data folder. */
export async function readRows(dataDir: string): Promise<Rows> {
  const store = openStore(dataDir);
  try {
    const page = { principal: LOCAL_PRINCIPAL, limit: 100 };
    return {
      jobs: await all((cursor) => store.jobs.list({ ...page, cursor })),
      assets: await all((cursor) => store.jobs.listAssets({ ...page, cursor })),
    };
  } finally {
    await store.close();
  }
}

/** The rows of every page. */
export async function all<Row>(
  read: (cursor: string | undefined) => Promise<{ rows: Row[]; nextCursor?: string | undefined }>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return rows;
}
