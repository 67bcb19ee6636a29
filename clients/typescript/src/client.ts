import { type Call, target } from './call.js';
import { ApiError, ApprovalRequired, ConnectionFailed, errorOf, type PendingApproval } from './errors.js';
import { type Page, Pages } from './pages.js';
import { Resources, type Sender } from './resources.js';

/**
 * How often and how patiently a failed request is repeated.
 *
 * Repeated are requests without an answer, and answers of 429, 500, 503, gateways, and whatever has `Retry-After`. A
 * repeat is safe: it has the idempotency key, or the event's id, of the first request.
 */
export interface Retries {
  /** How many repeats there are at most; 0 for none. */
  limit: number;
  /** Seconds before the first repeat without a `Retry-After`; doubled each time, minus up to half by chance. */
  firstWait: number;
  /** A `Retry-After` beyond this many seconds is not waited for: the error is thrown, with its `retryAfter`. */
  longestWait: number;
}

export interface ClientOptions {
  /** Seconds that one attempt may take; 35 by default, as the service answers within 29. */
  timeout?: number;
  /** 2 repeats by default, the first after half a second, none after more than a minute. */
  retries?: Partial<Retries>;
  /** What sends, in place of the global `fetch`. */
  fetch?: typeof fetch;
  /** What waits between attempts, in seconds. */
  sleep?: (seconds: number) => Promise<void>;
}

const RETRIED_STATUSES = [429, 500, 503];
// Nobody but a gateway says these: the request may not have reached the service.
const RETRIED_CODES = ['http_502', 'http_504', 'timeout'];

/**
 * A client of the Jobsprint Integrations API.
 *
 *     const client = new Client('jsp_…', 'https://api.example.com/v1');
 *     await client.events.publish({ event: 'workflow.executed', data: { workflowId: 'wf_1' } });
 */
export class Client extends Resources {
  /**
   * @param token An API token, `jsp_…`.
   * @param baseUrl Where the API is; ends in `/v1`.
   */
  constructor(token: string, baseUrl: string, options: ClientOptions = {}) {
    super(new Transport(token, baseUrl.replace(/\/+$/, ''), options));
  }
}

/** Sends calls, repeats those that may succeed later, and reads answers. */
class Transport implements Sender {
  readonly #token: string;
  readonly #baseUrl: string;
  readonly #timeout: number;
  readonly #retries: Retries;
  readonly #fetch: typeof fetch;
  readonly #sleep: (seconds: number) => Promise<void>;

  constructor(token: string, baseUrl: string, options: ClientOptions) {
    this.#token = token;
    this.#baseUrl = baseUrl;
    this.#timeout = options.timeout ?? 35;
    this.#retries = { limit: 2, firstWait: 0.5, longestWait: 60, ...options.retries };
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
    this.#sleep = options.sleep ?? ((seconds) => new Promise((done) => setTimeout(done, seconds * 1000)));
  }

  async send<T>(call: Call): Promise<T> {
    return (await this.#answer(call)).data as T;
  }

  pages<T>(call: Call): Pages<T> {
    return new Pages(async (cursor): Promise<Page<T>> => {
      const { data, pagination } = await this.#answer({ ...call, query: { ...call.query, cursor } });
      return { items: data as T[], ...(pagination?.nextCursor && { nextCursor: pagination.nextCursor }) };
    });
  }

  async #answer(call: Call): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(call);
      } catch (error) {
        const signal = call.options?.signal;
        const wait = this.#wait(attempt, error);
        if (wait === undefined || signal?.aborted) throw error;
        await Promise.race([this.#sleep(wait), ...(signal ? [aborted(signal)] : [])]);
      }
    }
  }

  /** Seconds to wait after the attempt of this number, from 0; undefined where there is no other. */
  #wait(attempt: number, error: unknown): number | undefined {
    const { limit, firstWait, longestWait } = this.#retries;
    if (attempt >= limit) return undefined;
    if (error instanceof ApiError) {
      const { status, code, retryAfter } = error;
      if (retryAfter !== undefined) return retryAfter <= longestWait ? retryAfter : undefined;
      if (!RETRIED_STATUSES.includes(status) && !RETRIED_CODES.includes(code)) return undefined;
    } else if (!(error instanceof ConnectionFailed)) {
      return undefined;
    }
    return Math.min(firstWait * 2 ** attempt, longestWait) * (0.5 + Math.random() / 2);
  }

  async #attempt(call: Call): Promise<Answer> {
    const body = call.body && JSON.stringify(call.body);
    const limit = AbortSignal.timeout(this.#timeout * 1000);
    const own = call.options?.signal;
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.#baseUrl + target(call), {
        method: call.verb,
        headers: this.#headers(call),
        redirect: 'manual',
        signal: own ? AbortSignal.any([own, limit]) : limit,
        ...(body && { body }),
      });
      text = await response.text();
    } catch (cause) {
      own?.throwIfAborted();
      throw new ConnectionFailed(`${call.verb} ${call.path} got no answer: ${cause}`, { cause });
    }
    return read(response, text);
  }

  #headers(call: Call): Record<string, string> {
    return {
      Accept: 'application/json',
      ...(call.body && { 'Content-Type': 'application/json' }),
      ...(call.key && { 'Idempotency-Key': call.key }),
      ...call.headers,
      ...call.options?.headers,
      Authorization: `Bearer ${this.#token}`,
    };
  }
}

/** Rejects when a signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

interface Answer {
  data: unknown;
  pagination?: { nextCursor?: string };
}

/**
 * The JSON of a successful answer. Throws ApiError for any other.
 *
 * A call that waits for an approval is thrown too: it was not made, and a program must not take it for done.
 */
function read(response: Response, text: string): Answer {
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // A gateway's page.
  }
  if (response.ok && typeof body === 'object' && body) {
    if (response.status === 202 && waitsForApproval(body)) {
      // The bodies of successes do not have the request's id.
      throw new ApprovalRequired(response.status, body, response.headers.get('x-amzn-RequestId') ?? undefined);
    }
    return body as Answer;
  }
  const seconds = response.headers.get('Retry-After') ?? '';
  throw errorOf(response.status, body, /^\d+$/.test(seconds) ? Number(seconds) : undefined);
}

function waitsForApproval(body: object): body is { data: PendingApproval } {
  const { data } = body as { data?: { status?: unknown } | null };
  return data?.status === 'pending_approval';
}
