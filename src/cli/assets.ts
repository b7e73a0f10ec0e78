import type { Command } from 'commander';
import * as z from 'zod';
import { type AssetView, assetSchema, viewAsset } from '../jobs/view.js';
import { formatBytes } from '../jobs/words.js';
import type { JsonObject } from '../json.js';
import { tool as inspectAsset } from '../tools/inspect_asset.js';
import { inspectionSchema } from '../jobs/inspection.js';
import { tool as listAssets } from '../tools/list_assets.js';
import { tool as saveAsset } from '../tools/save_asset.js';
import { fromTyped } from './follow.js';
import { noteOtherFormat } from './outcome.js';
import { withSession } from './session.js';
import { formatSize, note, pairs, print, printJson, table } from './text.js';

export interface ListOptions {
  json?: boolean;
  job?: string;
  limit?: string;
  cursor?: string;
}

const savedSchema = z.object({ path: z.string() });
const pageSchema = z.object({ assets: z.array(assetSchema), next_cursor: z.string().optional() });

export async function showAssets(
  command: Command,
  { json, job, limit, cursor }: ListOptions,
): Promise<number> {
  return withSession(command, { carryOn: false }, async (context) => {
    const { structured } = await listAssets.run({ limit, cursor, job_id: job }, context);
    const page = pageSchema.parse(structured);
    if (json) printJson(structured);
    else printTable(page.assets);
    if (!json && page.next_cursor !== undefined) note(`There are more: add --cursor ${page.next_cursor}`);
    return 0;
  });
}

/** One file with what is inside it. */
export async function showAsset(command: Command, reference: string, json: boolean): Promise<number> {
  return withSession(command, { carryOn: false }, async (context) => {
    const asset = await context.jobs.assets.get(context.principal, reference);
    const view = viewAsset(asset, context.locate);
    const { structured: inspection } =
      asset.format === 'glb' ? await inspectAsset.run({ asset_id: reference }, context) : {};
    if (json) printJson({ ...view, ...(inspection ? { inspection } : {}) });
    else printAsset(view, inspection);
    return 0;
  });
}

export async function save(
  command: Command,
  reference: string,
  target: string,
  { json, overwrite = false }: { json?: boolean; overwrite?: boolean },
): Promise<number> {
  return withSession(command, { carryOn: false }, async (context) => {
    const { structured } = await saveAsset.run(
      { asset_id: reference, path: fromTyped(target), overwrite },
      context,
    );
    const { path } = savedSchema.parse(structured);
    if (json) printJson(structured);
    else print(path);
    noteOtherFormat(path, (await context.jobs.assets.get(context.principal, reference)).format);
    return 0;
  });
}

function printTable(assets: readonly AssetView[]): void {
  if (assets.length === 0) note('There are no assets yet. `meshwright generate TOOL` makes some.');
  print(
    table(
      [
        { title: 'ASSET', cell: ({ asset_id }) => asset_id },
        { title: 'ROLE', cell: ({ role }) => role },
        { title: 'FORMAT', cell: ({ format }) => format },
        { title: 'SIZE', cell: ({ size_bytes }) => formatBytes(size_bytes), align: 'right' },
        {
          title: 'TRIANGLES',
          cell: ({ triangles }) => triangles?.toLocaleString('en-US') ?? '',
          align: 'right',
        },
        { title: 'METRES', cell: ({ size_meters: size }) => (size ? formatSize(size) : '') },
        { title: 'FILE', cell: ({ path, url }) => path ?? url ?? '' },
      ],
      assets,
    ),
  );
}

function printAsset(asset: AssetView, inspection: JsonObject | undefined): void {
  print(
    pairs([
      ['asset', asset.asset_id],
      ['role', asset.role],
      ['format', `${asset.format} (${asset.mime_type})`],
      ['bytes', asset.size_bytes.toLocaleString('en-US')],
      ['sha256', asset.sha256],
      ['file', asset.path ?? asset.url],
      ...(inspection ? factsOf(inspection) : []),
    ]),
  );
}

/** What matters most of an inspection; `--json` has the rest. */
function factsOf(inspection: JsonObject): [name: string, value: string | undefined][] {
  const { validation, vertices, triangles, parts, watertight, size_meters, warnings } =
    inspectionSchema.parse(inspection);
  return [
    ['validator', `${validation.errors} errors, ${validation.warnings} warnings`],
    ['triangles', triangles.toLocaleString('en-US')],
    ['vertices', vertices.toLocaleString('en-US')],
    ['size', size_meters ? formatSize(size_meters) : undefined],
    ['parts', String(parts)],
    ['watertight', watertight ? 'yes' : 'no'],
    ...warnings.map(({ message, fix }): [string, string] => ['warning', `${message} ${fix}`]),
  ];
}
