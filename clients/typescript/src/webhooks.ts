import { InvalidSignature } from './errors.js';

/** What a webhook's request holds. */
export interface WebhookEvent {
  /** The event's name, such as `workflow.executed`. */
  event: string;
  /** When it happened. */
  timestamp: string;
  data: Record<string, unknown>;
  signature: string;
}

export interface VerifyOptions {
  /**
   * Which signature to check. Only this one is looked at: a request cannot choose the one that is easiest to satisfy.
   *
   * `standard` is the header `webhook-signature`: it protects against replays, and works with the old secret while a
   * rotation overlaps. `header` is `X-Jobsprint-Signature`. `body` is `signature` in the body, for frameworks that do
   * not give the bytes.
   */
  scheme?: 'standard' | 'header' | 'body';
  /** Seconds that `webhook-timestamp` may differ from now; 300 by default. */
  tolerance?: number;
  /** The Unix time to compare with; that of the clock where it is left out. */
  now?: number;
}

type HeadersLike = Headers | Record<string, string | string[] | undefined>;

const encoder = new TextEncoder();

/**
 * Check a request's signature, and give its body. Throws InvalidSignature where the request is not from the service,
 * was changed, or is too old.
 *
 * @param body The body as it was received. For the scheme `body` also what a JSON parser made of it.
 * @param headers The request's headers: `request.headers` of fetch and of Node.js.
 * @param secret What the webhook was created with, or its newest secret.
 */
export async function verifyWebhook(
  body: string | Uint8Array | object,
  headers: HeadersLike,
  secret: string,
  { scheme = 'standard', tolerance = 300, now = Date.now() / 1000 }: VerifyOptions = {},
): Promise<WebhookEvent> {
  const given = lowerCase(headers);
  if (scheme === 'body') {
    const payload = typeof body === 'string' || body instanceof Uint8Array ? parse(body) : (body as WebhookEvent);
    const { signature, ...signed } = payload;
    compare([signature], await hex(secret, encoder.encode(stringify(signed))));
    return payload;
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError(`the scheme '${scheme}' needs the body as it was received`);
  }
  const content = typeof body === 'string' ? encoder.encode(body) : body;
  if (scheme === 'standard') await checkStandard(content, given, secret, tolerance, now);
  else compare([given['x-jobsprint-signature']], await hex(secret, content));
  return parse(content);
}

/** https://www.standardwebhooks.com */
async function checkStandard(
  content: Uint8Array,
  headers: Record<string, string>,
  secret: string,
  tolerance: number,
  now: number,
): Promise<void> {
  const sentAt = headers['webhook-timestamp'] ?? '';
  if (!/^\d+$/.test(sentAt)) throw new InvalidSignature('webhook-timestamp is missing or not a time');
  if (Math.abs(now - Number(sentAt)) > tolerance) {
    throw new InvalidSignature('webhook-timestamp is too far from now: the request is old, or a clock is wrong');
  }
  const head = encoder.encode(`${headers['webhook-id'] ?? ''}.${sentAt}.`);
  const signed = new Uint8Array(head.length + content.length);
  signed.set(head);
  signed.set(content, head.length);
  const digest = await hmac(standardKey(secret), signed);
  compare((headers['webhook-signature'] ?? '').split(' '), `v1,${btoa(String.fromCharCode(...digest))}`);
}

function standardKey(secret: string): Uint8Array {
  if (!secret.startsWith('whsec_')) return encoder.encode(secret);
  try {
    return Uint8Array.from(atob(secret.slice(6)), (character) => character.charCodeAt(0));
  } catch {
    throw new TypeError('a secret that begins with whsec_ goes on in base64');
  }
}

async function hmac(key: Uint8Array, content: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key as BufferSource, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, content as BufferSource));
}

async function hex(secret: string, content: Uint8Array): Promise<string> {
  const digest = await hmac(encoder.encode(secret), content);
  return 'sha256=' + Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function compare(signatures: unknown[], expected: string): void {
  // All are compared, in constant time each.
  const found = signatures.map((signature) => typeof signature === 'string' && same(signature, expected));
  if (!found.includes(true)) {
    throw new InvalidSignature('the signature is missing or not that of this body under this secret');
  }
}

function same(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < other.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}

function parse(body: string | Uint8Array): WebhookEvent {
  let payload: unknown;
  try {
    payload = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
  } catch {
    throw new InvalidSignature('the body is not JSON');
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new InvalidSignature('the body is not a JSON object');
  }
  return payload as WebhookEvent;
}

function stringify(payload: object): string {
  try {
    return JSON.stringify(payload);
  } catch {
    throw new InvalidSignature('the body is nested too deeply');
  }
}

function lowerCase(headers: HeadersLike): Record<string, string> {
  const pairs = headers instanceof Headers ? [...headers.entries()] : Object.entries(headers);
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), String(value ?? '')]));
}
