import { inWords, type Refusals } from '../turned-down.js';

/** What Pixazo's refusals mean. Its bodies are `{error, message}`, its gateway's `{statusCode, message}`, or nothing. */
export function refusals(model: string): Refusals {
  return {
    title: 'Pixazo',
    advice: ({ status }, words, waitMs) => {
      switch (status) {
        case 400:
          return /not found|disabled/i.test(words)
            ? `Pixazo does not offer this model at present (${model}): ${words}. Use another provider or model.`
            : undefined;
        case 401:
          return `Pixazo does not know the key in PIXAZO_API_KEY: ${words}. Set it to an active subscription key.`;
        case 402:
          return `Pixazo asks for payment: ${words}. Add balance at https://www.pixazo.ai, then call again.`;
        case 403:
          return `Pixazo does not let this key use ${model}: ${words}.`;
        case 404:
          return `Pixazo no longer lists this model (${model}): ${words}. Use another provider or model.`;
        case 429:
          return `Pixazo takes no more jobs of this account at present: ${words}. Call again ${inWords(waitMs)}.`;
        default:
          return undefined;
      }
    },
  };
}
