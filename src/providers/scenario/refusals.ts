import { isRecord } from '../../json.js';
import type { Reply } from '../call-error.js';
import { parse, plainText } from '../json-api.js';
import { cappedMs } from '../schedule.js';
import { inWords, type Refusals } from '../turned-down.js';

/** What Scenario's refusals mean. Texts are under `reason`, `message` or `name`, by the part that answers. */
export function refusals(model: string): Refusals {
  return {
    title: 'Scenario',
    waitMs,
    advice: (reply, words, wait) => {
      switch (reply.status) {
        case 401:
          return `Scenario does not know the key in SCENARIO_SDK_API_KEY and SCENARIO_SDK_API_SECRET: ${words}. Set both from the API keys of the project's settings at https://app.scenario.com.`;
        case 402:
          return `Scenario asks for another plan or more creative units: ${words}. See https://app.scenario.com/team.`;
        case 403:
          return planSentence(reply, model) ?? `Scenario does not let this key use ${model}: ${words}.`;
        case 404:
          return `Scenario no longer lists this model (${model}): ${words}. Use another provider or model.`;
        case 429:
          return `Scenario takes no more jobs of this team at present: ${limitOf(reply) ?? words}. Call again ${inWords(wait)}.`;
        default:
          return undefined;
      }
    },
  };
}

function waitMs(reply: Reply): number | undefined {
  const body = parse(reply.text);
  const details = isRecord(body) && isRecord(body['details']) ? body['details'] : {};
  const seconds = isRecord(body) ? (body['remainingSeconds'] ?? details['remainingSeconds']) : undefined;
  return typeof seconds === 'number' ? cappedMs(seconds * 1000) : undefined;
}

/** A model outside of the account's plan: no other call with this key will be taken either. */
function planSentence(reply: Reply, model: string): string | undefined {
  const body = parse(reply.text);
  if (!isRecord(body)) return undefined;
  const plan = plainText(body['requiredPlan']);
  if (plan === undefined && body['name'] !== 'ModelAccessRestrictedError') return undefined;
  const needs = plan === undefined ? 'a higher plan' : `the plan "${plan}"`;
  return (
    `Scenario's plan of this account does not include ${plainText(body['modelId']) ?? model}: it needs ${needs}. ` +
    'Calling again does not help; use another provider or change the plan at https://app.scenario.com.'
  );
}

/** A ceiling on what a team runs at once. */
function limitOf(reply: Reply): string | undefined {
  const body = parse(reply.text);
  const details = isRecord(body) ? body['details'] : undefined;
  if (!isRecord(details)) return undefined;
  const { actionName, actionLimit } = details;
  return typeof actionLimit === 'number'
    ? `${plainText(actionName) ?? 'jobs'} at once are limited to ${actionLimit}`
    : undefined;
}
