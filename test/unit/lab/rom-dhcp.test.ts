import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askDhcp, type Wire } from '../../lab/rom/dhcp.ts';
import { type DhcpStage, MODELS, type RomModel } from '../../lab/rom/models.ts';

const BOARD = { mac: 'e4:5f:01:09:02:f7', serial: '91cdf03d', revision: 'd03114' };
const PXE = 'PXEClient';
const menu = (text: string) =>
  Buffer.concat([
    Buffer.from('0601030a0400505845', 'hex'),
    Buffer.from([9, 3 + text.length, 0, 0, text.length]),
    Buffer.from(text),
    Buffer.from([255]),
  ]);

/** An answer to `asked`, of a server that lends out 10.0.0.9 or offers boot files. */
function answer(
  asked: Buffer,
  type: number,
  options: readonly [number, Buffer | string][],
  address = '0.0.0.0',
): Buffer {
  const head = Buffer.from(asked.subarray(0, 240));
  head[0] = 2;
  Buffer.from(address.split('.').map(Number)).copy(head, 16);
  Buffer.from([10, 0, 0, 1]).copy(head, 20);
  head.write('bootcode.bin', 108);
  const all: [number, Buffer | string][] = [[53, Buffer.from([type])], [54, Buffer.from([10, 0, 0, 1])], ...options];
  const body = all.flatMap(([code, value]) => [Buffer.from([code, value.length]), Buffer.from(value)]);
  return Buffer.concat([head, ...body, Buffer.from([255])]);
}
const lends = (asked: Buffer, type = 2) => answer(asked, type, [[1, Buffer.from([255, 255, 255, 0])]], '10.0.0.9');
const option = (asked: Buffer, code: number) => {
  for (let at = 240; asked[at] !== 255; at += 2 + (asked[at + 1] ?? 0)) {
    if (asked[at] === code) return asked.subarray(at + 2, at + 2 + (asked[at + 1] ?? 0));
  }
  return undefined;
};
const offers = (asked: Buffer, text = 'Raspberry Pi Boot') =>
  answer(asked, 2, [
    [60, PXE],
    [97, option(asked, 97) ?? ''],
    [43, menu(text)],
    [66, '10.0.0.1'],
    [67, 'bootcode.bin'],
  ]);

/** A wire on which `answers` come at once to each packet, and the time between two DISCOVERs is short. */
function play(model: RomModel, answers: (asked: Buffer, count: number) => Buffer[], change: Partial<DhcpStage> = {}) {
  const sent: Buffer[] = [];
  const queue: Buffer[] = [];
  const wire: Wire = {
    send(datagram) {
      queue.push(...answers(datagram, sent.push(datagram)));
    },
    receive: async () => queue.shift(),
  };
  const [stage] = MODELS[model].dhcp;
  assert.ok(stage);
  return { sent, lease: askDhcp({ ...stage, minimumDelayMs: 0, ...change }, BOARD, wire) };
}

test('a Pi 4 takes the address from one server and the boot files from another, in either order, and asks for the address', async () => {
  for (const turn of [0, 1]) {
    const { sent, lease } = play('4-2022', (asked, count) => {
      if (count === 2) return [lends(asked, 5)];
      return turn ? [offers(asked), lends(asked)] : [lends(asked), offers(asked)];
    });
    const { address, prefix, tftp, discovers } = await lease;
    assert.deepEqual([address, prefix, tftp, discovers], ['10.0.0.9', 24, '10.0.0.1', 1]);
    assert.deepEqual(
      sent.map((packet) => option(packet, 53)?.[0]),
      [1, 3],
    );
    assert.equal(option(sent[0] ?? Buffer.alloc(240), 97)?.toString('hex'), '00525069341431d000010902f73df0cd91');
    assert.deepEqual(sent[0]?.subarray(4, 8), sent[1]?.subarray(4, 8), 'the same xid throughout');
    assert.equal(option(sent[1] ?? Buffer.alloc(240), 50)?.join('.'), '10.0.0.9');
  }
});

test('a Pi 4 of early 2020 tells no MAC in option 97, and sends a REQUEST without option 60', async () => {
  const { sent, lease } = play('4-2020', (asked, count) =>
    count === 2 ? [lends(asked, 5)] : [lends(asked), offers(asked)],
  );
  await lease;
  assert.equal(option(sent[0] ?? Buffer.alloc(240), 97)?.toString('hex'), '00346950521431d000000000003df0cd91');
  assert.equal(option(sent[1] ?? Buffer.alloc(240), 60), undefined);
});

test('a Pi whose address is refused begins again', async () => {
  const nak = (asked: Buffer) => answer(asked, 6, []);
  const { lease } = play('5', (asked, count) => {
    if (option(asked, 53)?.[0] === 1) return [lends(asked), offers(asked)];
    return [count === 2 ? nak(asked) : lends(asked, 5)];
  });
  assert.equal((await lease).discovers, 2);
});

test('the ROM of a 3B uses the address as it was offered, wants three spaces, and is still after five DISCOVERs', async () => {
  const good = play('3b', (asked) => [lends(asked), offers(asked, 'Raspberry Pi Boot   ')]);
  assert.equal((await good.lease).address, '10.0.0.9');
  assert.equal(good.sent.length, 1);
  assert.equal(good.sent[0]?.readUInt32BE(4), 0x26f30339);
  assert.deepEqual([...(option(good.sent[0], 55) ?? [])], [43, 60, 67, 128, 129, 130, 131, 132, 133, 134, 135, 66]);
  assert.equal(option(good.sent[0], 97)?.toString('hex'), `00${'44'.repeat(16)}`);
  const bad = play('3b', (asked) => [lends(asked), offers(asked)]);
  await assert.rejects(
    bad.lease,
    /after 5 DISCOVERs of its rom, since of those offered its menu says "Raspberry Pi Boot"/,
  );
  assert.equal(bad.sent.length, 5);
});

test('the ROM of a 3B locks up when the boot files are offered at once', async () => {
  const { lease } = play('3b', (asked) => [offers(asked, 'Raspberry Pi Boot   ')], { minimumDelayMs: 900 });
  await assert.rejects(lease, /it locks up/);
});

test('a Pi that is given an address and no boot files asks again until it gives up', async () => {
  const { sent, lease } = play('3b+', (asked) => [lends(asked)]);
  await assert.rejects(lease, /no address with boot files after 5 DISCOVERs of its rom$/);
  assert.equal(sent.length, 5);
});

test('a Pi 5 passes over a menu without sub-option 6; a menu of another’s is nobody’s', async () => {
  const bare = (asked: Buffer) => {
    const whole = offers(asked);
    const at = whole.indexOf(Buffer.from('060103', 'hex'));
    // An option that nobody knows in its place.
    whole[at] = 0x80;
    return whole;
  };
  await assert.rejects(play('5', (asked) => [lends(asked), bare(asked)]).lease, /sub-option 6/);
  await assert.rejects(
    play('4-2022', (asked) => [lends(asked), offers(asked, 'Windows')]).lease,
    /menu says "Windows"/,
  );
});

test('what each program of each board says of itself is what captures show', async () => {
  const rom = '43 60 67 128 129 130 131 132 133 134 135 66';
  const eeprom = '1 3 43 60 66 67 128 129 130 131 132 133 134 135';
  const serial = '3df0cd91'.repeat(4);
  const pi3 = 0x26f30339;
  const rows: Readonly<Record<RomModel, readonly [guid: string, parameters: string, xid: number | undefined][]>> = {
    '3b': [
      ['44'.repeat(16), rom, pi3],
      [serial, `${rom} 1 3`, pi3],
    ],
    '3b+': [
      [serial, `${rom} 1 3`, pi3],
      [serial, `${rom} 1 3`, pi3],
    ],
    '4-2020': [['346950521431d000000000003df0cd91', eeprom, undefined]],
    '4-2022': [['525069341431d000010902f73df0cd91', eeprom, undefined]],
    '5': [['525069351431d000010902f73df0cd91', eeprom, undefined]],
  };
  for (const [model, stages] of Object.entries(rows) as [RomModel, (typeof rows)[RomModel]][]) {
    assert.equal(MODELS[model].dhcp.length, stages.length);
    for (const [i, [guid, parameters, xid]] of stages.entries()) {
      const stage = MODELS[model].dhcp[i];
      assert.ok(stage);
      const { sent, lease } = play(model, () => [], { ...stage, tries: 1 });
      await assert.rejects(lease, /after 1 DISCOVERs/);
      const [packet] = sent;
      assert.ok(packet);
      const said = (code: number) => option(packet, code);
      assert.equal(said(97)?.toString('hex'), `00${guid}`, model);
      assert.equal(said(55)?.join(' '), parameters, model);
      assert.equal(said(60)?.toString(), 'PXEClient:Arch:00000:UNDI:002001');
      assert.deepEqual([said(93)?.toString('hex'), said(94)?.toString('hex')], ['0000', '010201']);
      if (xid !== undefined) assert.equal(packet.readUInt32BE(4), xid);
      assert.equal(packet.readUInt16BE(10), 0, 'no wish for a broadcast');
    }
  }
});
