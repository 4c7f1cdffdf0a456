import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { labBoards } from '../../lab/running/boards.ts';
import { createPi, type LabPi } from '../../lab/running/pi.ts';
import { onLoopback } from '../../lab/running/place.ts';

/** A Pi whose boot files are at a server that never answers; what it is asked comes out of `asked`. */
async function plugIn(t: TestContext): Promise<{ pi: LabPi; told: string[]; asked: () => Promise<string> }> {
  const server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const [board] = labBoards(1, '127.0.0');
  assert.ok(board);
  const told: string[] = [];
  const pi = createPi(
    board,
    onLoopback(board, () => server.address().port),
    (words) => void told.push(words),
  );
  t.after(async () => {
    await pi.off();
    server.close();
  });
  const asked = async () => {
    const [datagram, from] = (await once(server, 'message')) as [Buffer, { address: string }];
    assert.equal(from.address, board.address);
    return datagram.toString('latin1', 2).split('\0')[0] ?? '';
  };
  return { pi, told, asked };
}

test('a virtual Pi that loses its power in the middle of a boot is off at once, and says no word more', async (t) => {
  const { pi, told, asked } = await plugIn(t);
  await pi.on();
  assert.equal(await asked(), 'bootcode.bin');
  await pi.off();
  assert.equal(await pi.rom(), 'cut');
  assert.deepEqual(told, ['power on', 'power off']);
});

test('switched on or off once more it is as it was, and on again it begins anew', async (t) => {
  const { pi, told, asked } = await plugIn(t);
  await pi.off();
  await pi.on();
  await pi.on();
  await asked();
  await pi.off();
  await pi.off();
  await pi.on();
  assert.equal(await asked(), 'bootcode.bin');
  assert.deepEqual(told, ['power on', 'power off', 'power on']);
});
