import { isRecord } from '../../json.js';

/** A file at Scenario as it is at present; its URL is signed and expires. */
export interface ScenarioAsset {
  id: string;
  url: string;
  mediaType: string | undefined;
  /** `3d`, `image`, `video`, … */
  kind: string | undefined;
}

/** Undefined when there is no URL in it. */
export function readAsset(value: unknown, id: string): ScenarioAsset | undefined {
  const asset = isRecord(value) && isRecord(value['asset']) ? value['asset'] : value;
  if (!isRecord(asset) || typeof asset['url'] !== 'string' || asset['url'] === '') return undefined;
  const metadata = isRecord(asset['metadata']) ? asset['metadata'] : {};
  return {
    id,
    url: asset['url'],
    mediaType: firstText(asset['mimeType']),
    kind: firstText(asset['kind'], metadata['kind'], metadata['type']),
  };
}

function firstText(...values: unknown[]): string | undefined {
  return values.filter((value) => typeof value === 'string').find((value) => value !== '');
}
