// The snippet in docs/api-contract.md, Signatures, for many deliveries in one process: JSON lines {secret, body} on
// stdin, JSON lines {verified, payload} on stdout, `payload` being the text the signature was checked over.
const crypto = require('crypto');
const readline = require('readline');

readline.createInterface({ input: process.stdin, crlfDelay: Infinity }).on('line', (line) => {
  const { secret, body } = JSON.parse(line);
  const { signature: received, ...payload } = JSON.parse(body);
  const signature = crypto
    .createHmac('sha256', secret)
    .update(JSON.stringify(payload))
    .digest('hex');
  const verified = received === 'sha256=' + signature;
  process.stdout.write(JSON.stringify({ verified, payload: JSON.stringify(payload) }) + '\n');
});
