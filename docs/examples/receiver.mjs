// A server that receives webhooks and runs actions. It needs Node.js 18 or newer, and nothing else.
//
//     SECRET=my_secret_key node receiver.mjs [port]
//
// It answers 401 to what is not signed with SECRET, and does the work for a `webhook-id` once.
import { createServer } from 'node:http';
import { verify } from './verify/verify.mjs';

const SECRET = process.env.SECRET ?? 'my_secret_key';
const handled = new Set(); // in production: a table with the id as its key

// The result of an action. `jobsprint.ping` is the service's test of the connection.
function runAction(action, parameters) {
  if (action === 'jobsprint.ping') return {};
  console.log('action', action, JSON.stringify(parameters));
  return { messageId: 'msg_1', ...parameters };
}

// Handles an event, unless an earlier delivery of it was handled.
function handleEvent(messageId, event) {
  if (handled.has(messageId)) return;
  handled.add(messageId);
  console.log('received', JSON.stringify(event));
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const answer = (status, value) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (!verify(body, request.headers, SECRET)) {
    answer(401, { success: false, error: 'bad signature' });
    return;
  }
  const message = JSON.parse(body.toString());
  if ('action' in message) {
    answer(200, runAction(message.action, message.parameters));
  } else {
    answer(200, {});
    handleEvent(request.headers['webhook-id'], message);
  }
});

server.listen(Number(process.argv[2] ?? 9009), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
