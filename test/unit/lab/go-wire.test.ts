import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS } from '../../lab/go-bakery-client.ts';
import { type GoCall, goBody, goHead, parseAnswer } from '../../lab/go-wire.ts';

const target = { host: 'bakery:8080', base: '/api/v1', userInfo: 'cpi:secret' };
const bytes = (call: GoCall, at = target) =>
  goHead(call, at) +
  Buffer.concat([...goBody(call)])
    .toString('latin1')
    .replaceAll(/x{100,}/g, (run) => `<${run.length}>`);

// As Request.write of net/http puts them together: what the original's clients were compiled with.
test('requests are the bytes that net/http writes', () => {
  const sent: readonly (readonly [GoCall, string])[] = [
    [
      CALLS.getPi('687680cd'),
      `GET /api/v1/oven/687680cd HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Authorization: Basic Y3BpOnNlY3JldA==
Accept-Encoding: gzip

`,
    ],
    [
      CALLS.bakePi('raspios'),
      `POST /api/v1/fridge HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Content-Length: 26
Authorization: Basic Y3BpOnNlY3JldA==
Content-Type: application/json
Accept-Encoding: gzip

{"bakeformName":"raspios"}`,
    ],
    [
      CALLS.createDisk(1024),
      `POST /api/v1/disks HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Content-Length: 13
Authorization: Basic Y3BpOnNlY3JldA==
Accept-Encoding: gzip

{"size":1024}`,
    ],
    [
      CALLS.powercyclePi('687680cd'),
      `POST /api/v1/oven/687680cd/powercycle HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Content-Length: 0
Authorization: Basic Y3BpOnNlY3JldA==
Content-Type: application/json
Accept-Encoding: gzip

`,
    ],
    [
      CALLS.unbakePi('687680cd'),
      `DELETE /api/v1/oven/687680cd HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Authorization: Basic Y3BpOnNlY3JldA==
Accept-Encoding: gzip

`,
    ],
    [
      CALLS.uploadFile('687680cd', 'disks.json', '[]'),
      `POST /api/v1/oven/687680cd/upload/disks.json HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Content-Length: 2
Authorization: Basic Y3BpOnNlY3JldA==
Content-Type: application/octet-stream
Accept-Encoding: gzip

[]`,
    ],
    [
      CALLS.uploadBakeform('raspios', Buffer.alloc(70_000, 'x')),
      `POST /api/v1/bakeforms/raspios HTTP/1.1
Host: bakery:8080
User-Agent: Go-http-client/1.1
Transfer-Encoding: chunked
Authorization: Basic Y3BpOnNlY3JldA==
Content-Type: application/x-raw-disk-image
Accept-Encoding: gzip

8000
<32768>
8000
<32768>
1170
<4464>
0

`,
    ],
  ];
  for (const [call, expected] of sent) assert.equal(bytes(call), expected.replaceAll('\n', '\r\n'));
});

test('answers are read whole, with a length or in chunks, whatever is in them and behind them', () => {
  const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n';
  const chunked = 'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n0\r\n\r\n2\r\nab\r\n0\r\n\r\n';
  for (let at = 0; at < plain.length; at++) assert.equal(parseAnswer(Buffer.from(plain.slice(0, at))), undefined);
  for (let at = 0; at < chunked.length; at++) assert.equal(parseAnswer(Buffer.from(chunked.slice(0, at))), undefined);
  const first = parseAnswer(Buffer.from(plain + chunked));
  assert.deepEqual([first?.answer.status, first?.answer.body.toString()], [200, '\r\n\r\n']);
  const second = parseAnswer(first?.rest ?? Buffer.alloc(0));
  assert.deepEqual([second?.answer.status, second?.answer.body.toString()], [404, '0\r\nab']);
  assert.equal(second?.rest.length, 0);
});
