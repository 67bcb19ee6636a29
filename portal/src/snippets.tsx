import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from './i18n';
import { Code, Copy, Notice } from './ui';

const SNIPPETS: Record<string, string> = {
  'Node.js': `import { createHmac, timingSafeEqual } from 'node:crypto';

// body: the raw bytes of the request, before any JSON parser
export function verify(secret, headers, body) {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = headers;
  if (Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  const wanted = Buffer.from('v1,' + createHmac('sha256', key).update(\`\${id}.\${time}.\`).update(body).digest('base64'));
  return signatures.split(' ').map((one) => Buffer.from(one))
    .some((one) => one.length === wanted.length && timingSafeEqual(one, wanted));
}`,
  Python: `import base64, hashlib, hmac, time

# body: the raw bytes of the request, before any JSON parser
def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    id_, at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(at)) > 300:
        return False
    digest = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split(" "))`,
};

/** How an endpoint checks that a request comes from here. */
export function Snippets(): JSX.Element {
  const [language, set] = useState('Node.js');
  return (
    <div class="stack tight">
      <div class="row" role="group" aria-label={t('verify.language')}>
        {Object.keys(SNIPPETS).map((one) => (
          <button key={one} type="button" aria-pressed={one === language} onClick={() => set(one)}>
            {one}
          </button>
        ))}
      </div>
      <Code label={t('verify.code')} text={SNIPPETS[language] ?? ''} />
    </div>
  );
}

/** A secret that is shown this once. */
export function Secret({ secret }: { secret: string }): JSX.Element {
  return (
    <Notice tone="warn" title={t('secret.once')}>
      <div class="row">
        <code class="break">{secret}</code>
        <Copy text={secret} />
      </div>
      <span class="small">{t('secret.keep')}</span>
    </Notice>
  );
}
