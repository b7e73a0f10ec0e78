import type { Command } from 'commander';
import type { z } from 'zod';
import { imageRange } from '../jobs/model.js';
import { findModel } from '../tools/models.js';
import { catalogueSchema, tool as listModels } from '../tools/list_models.js';
import { withSession } from './session.js';
import { formatSeconds, formatUsd, note, pairs, print, printJson, table } from './text.js';

type CatalogueModel = z.infer<typeof catalogueSchema>['models'][number];

export async function showModels(command: Command, name: string | undefined, json: boolean): Promise<number> {
  return withSession(command, { carryOn: false }, async (context) => {
    const { structured } = await listModels.run(name === undefined ? {} : { tool: name }, context);
    const { models } = catalogueSchema.parse(structured);
    const [only] = models;
    if (json) printJson(structured);
    else if (name === undefined || !only) printTable(models);
    else printDetails(only);
    return 0;
  });
}

function printTable(models: readonly CatalogueModel[]): void {
  print(
    table(
      [
        { title: 'TOOL', cell: ({ tool }) => tool },
        {
          title: 'READY',
          cell: (model) => (model.available ? 'yes' : `needs a key of ${providersOf(model).join(' or ')}`),
        },
        { title: 'OVER', cell: (model) => providersOf(model).join(', ') },
        { title: 'IMAGES', cell: imagesText, align: 'right' },
        { title: 'OUTPUT', cell: ({ outputs }) => outputs.join(', ') },
        { title: 'PRICE', cell: priceRange, align: 'right' },
        { title: 'TYPICAL', cell: typical, align: 'right' },
      ],
      models,
    ),
  );
  note(
    '`meshwright models TOOL` tells more about one, `meshwright generate TOOL --help` lists its arguments.',
  );
}

function printDetails(model: CatalogueModel): void {
  print(`${model.title}\n${model.description ?? ''}\n`);
  print(
    pairs([
      ['ready', model.available ? 'yes' : `needs a key of ${providersOf(model).join(' or ')}`],
      ['images', model.images.join(', ')],
      ['output', model.outputs.join(', ')],
      ['typical', typical(model)],
      ['licence', model.licence],
      ...model.routes.flatMap(({ provider, model: endpoint, prices }) =>
        (prices.length > 0 ? prices : [undefined]).map(
          (price) =>
            [
              `over ${provider}`,
              `${endpoint}: ${formatUsd(price?.usd)}${price?.condition === undefined ? '' : ` (${price.condition})`}${price ? `; ${price.source}, ${price.date}` : ''}`,
            ] as const,
        ),
      ),
    ]),
  );
  note(`\`meshwright generate ${model.tool} --help\` lists its arguments.`);
}

function imagesText({ tool }: CatalogueModel): string {
  const model = findModel(tool);
  return model ? imageRange(model) : '';
}

function providersOf({ routes }: CatalogueModel): string[] {
  return routes.map(({ provider }) => provider);
}

function typical({ typical_seconds: seconds }: CatalogueModel): string {
  return seconds === null ? 'unknown' : formatSeconds(seconds);
}

/** The least and the most that a job may cost over any route. */
function priceRange({ routes }: CatalogueModel): string {
  const known = routes.flatMap(({ prices }) => prices.flatMap(({ usd }) => (usd === null ? [] : [usd])));
  if (known.length === 0) return 'unknown';
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return least === most ? formatUsd(least) : `${formatUsd(least)} – ${formatUsd(most)}`;
}
