// Runs clients/vectors.json through the TypeScript client, and prints what came of each as JSON: run_vectors.py in Node.js.
//
//     node run_vectors.mjs vectors.json http://127.0.0.1:8000

import { readFileSync } from 'node:fs';
import { ApiError, Client, InvalidSignature, Pages, verifyWebhook } from 'jobsprint-client';

/** Whether the client accepts a delivery. */
async function accepted({ body: inner, depth = 0, headers, secret, scheme, now }) {
  const body = '{"a":'.repeat(depth) + (inner || '1') + '}'.repeat(depth);
  try {
    const payload = await verifyWebhook(Buffer.from(body), headers, secret, { scheme, now });
    return JSON.stringify(payload) === JSON.stringify(JSON.parse(body));
  } catch (error) {
    if (error instanceof InvalidSignature) return false;
    throw error;
  }
}

/** What a call gives or throws. */
async function outcome(client, { call, path, input }) {
  const [resource, method] = call.split('.');
  const given = Object.keys(input).length ? [...path, input] : path;
  try {
    const found = client[resource][method](...given);
    return found instanceof Pages ? { items: await found.all() } : { data: await found };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { status, code, message, requestId, nextStep, logId, upstream, retryAfter, details, approvalId, expiresAt } = error;
    const more = { retryAfter, approvalId, expiresAt, ...(details.length && { details }) };
    return { error: { status, code, message, requestId, nextStep, logId, upstream, ...more } };
  }
}

const [path, url] = process.argv.slice(2);
const vectors = JSON.parse(readFileSync(path, 'utf-8'));
const calls = [];
for (const [number, vector] of vectors.calls.entries()) {
  const waits = [];
  const client = new Client('jsp_test', `${url}/${number}`, { sleep: async (seconds) => void waits.push(seconds) });
  calls.push({ ...(await outcome(client, vector)), waits });
}
process.stdout.write(JSON.stringify({ signatures: await Promise.all(vectors.signatures.map(accepted)), calls }));
