import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { describeApi } from '../../server/http/describe.ts';
import type { RunningBakery } from '../lab/bakery.ts';
import { type ContractCheck, contractCheck, type Document } from '../lab/contract-check.ts';
import { inOwnNamespace } from '../lab/namespace.ts';
import { makeRack, type Rack } from '../lab/rack.ts';
import { startToySwitch, type ToySwitch } from '../lab/switches/toy-switch.ts';
import { bytes, ok, typedClient } from '../lab/typed-client.ts';
import { WebhookReceiver } from '../lab/webhook-receiver.ts';

/**
 * A client whose types are generated from the document makes every call there is. That this file compiles shows that the
 * document fits what a client wants to send and read; that it passes, that the server does what the document says.
 */
inOwnNamespace(import.meta.url, () => {
  let rack: Rack;
  let bakery: RunningBakery;
  let receiver: WebhookReceiver;
  let toy: ToySwitch;
  let check: ContractCheck;
  const succeeded = new Set<string>();

  const client = () => typedClient(bakery, { check, succeeded });
  /** Waits until nothing is under way; what is stuck is not. */
  async function rest(): Promise<void> {
    for (const state of ['running', 'unwinding'] as const) {
      const query = { state };
      while ((await ok(200, client().GET('/api/v1/operations', { params: { query } }))).operations.length > 0) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  before(async () => {
    rack = await makeRack(4);
    // With the kind of switches that the lab has.
    const consoles = join(rack.world.root, '../consoles');
    mkdirSync(consoles);
    writeFileSync(join(consoles, `${rack.serials[0]}.log`), 'login: \x1b[2Jpi\r\n');
    bakery = await rack.startHeld({ BAKERY_CONSOLES: consoles });
    toy = await startToySwitch(['1', '2'], 'a-good-password');
    receiver = await new WebhookReceiver().listen();
    check = contractCheck((await describeApi('0')) as Document);
  });
  after(async () => {
    await receiver?.close();
    await toy?.close();
    await rack?.close(bakery);
  });

  test('an upload that comes in pieces', async () => {
    const api = client();
    const half = Math.floor(rack.image.length / 2);
    const begin = (bytes: number) =>
      api.POST('/api/v1/uploads', { params: { header: { 'upload-length': String(bytes) } } });
    const send = (uploadId: string, offset: number, piece: Uint8Array) =>
      api.PATCH('/api/v1/uploads/{uploadId}', {
        params: { path: { uploadId }, header: { 'upload-offset': String(offset) } },
        ...bytes(piece),
      });
    const { id } = await ok(201, begin(rack.image.length));
    await ok(204, send(id, 0, rack.image.subarray(0, half)));
    const path = { uploadId: id };
    assert.equal((await ok(200, api.GET('/api/v1/uploads/{uploadId}', { params: { path } }))).offset, half);
    await ok(204, send(id, half, rack.image.subarray(half)));
    assert.equal((await ok(200, api.GET('/api/v1/uploads'))).uploads[0]?.offset, rack.image.length);
    const name = 'pieces';
    await ok(
      201,
      api.POST('/api/v1/bakeforms/{name}', {
        params: { path: { name }, query: { upload: id } },
        ...bytes(Buffer.of()),
      }),
    );
    await ok(200, api.DELETE('/api/v1/bakeforms/{name}', { params: { path: { name } } }));
    const other = await ok(201, begin(1));
    await ok(204, api.DELETE('/api/v1/uploads/{uploadId}', { params: { path: { uploadId: other.id } } }));
  });

  test('the life of a Pi, its disks and its bakeform', async () => {
    const api = client();
    const piId = rack.serials[0] ?? '';
    // A trusted relay asks for its first file: it is in the fridge then.
    await api.GET('/api/v1/files/{piId}/{filename}', {
      params: { path: { piId, filename: 'start.elf' } },
      parseAs: 'text',
    });
    const image = bytes(rack.image);
    const name = 'tiny';
    await ok(201, api.POST('/api/v1/bakeforms/{name}', { params: { path: { name } }, ...image }));
    assert.deepEqual(Object.keys(await ok(200, api.GET('/api/v1/bakeforms'))), [name]);
    const form = await ok(200, api.GET('/api/v1/bakeforms/{name}', { params: { path: { name } } }));
    assert.ok(form.lint.length > 0);
    assert.deepEqual(Object.keys(await ok(200, api.GET('/api/v1/fridge'))), [piId]);
    const baking = await ok(202, api.POST('/api/v1/fridge', { body: { bakeformName: name } }));
    assert.equal(baking.status, 3);
    await rest();
    assert.deepEqual(Object.keys(await ok(200, api.GET('/api/v1/oven'))), [piId]);
    const disk = await ok(201, api.POST('/api/v1/disks', { body: { size: 2 } }));
    await ok(200, api.POST('/api/v1/oven/{piId}/disks', { params: { path: { piId } }, body: { diskId: disk.id } }));
    const { disks } = await ok(200, api.GET('/api/v1/oven/{piId}', { params: { path: { piId } } }));
    assert.deepEqual(
      disks?.slice(1).map(({ id }) => id),
      [disk.id],
    );
    const file = { path: { piId, filename: 'settings.json' } };
    await ok(
      200,
      api.POST('/api/v1/oven/{piId}/upload/{filename}', { params: file, ...bytes(Buffer.from('{"a":1}')) }),
    );
    const got = await ok(200, api.GET('/api/v1/oven/{piId}/download/{filename}', { params: file, parseAs: 'text' }));
    assert.equal(got, '{"a":1}');
    const cmdline = { path: { piId, filename: 'cmdline.txt' } };
    const line = await ok(200, api.GET('/api/v1/files/{piId}/{filename}', { params: cmdline, parseAs: 'text' }));
    assert.match(String(line), /root=\/dev\/nfs/);
    await ok(200, api.POST('/api/v1/oven/{piId}/powercycle', { params: { path: { piId } } }));
    assert.ok(rack.lit.has(piId));
    const time = new Date(0).toISOString();
    await ok(200, api.POST('/api/v1/pis/{piId}/ready', { params: { path: { piId } }, body: { time } }));
    const { boots } = await ok(200, api.GET('/api/v1/pis/{piId}/boots', { params: { path: { piId } } }));
    assert.deepEqual([boots[0]?.pi, boots[0]?.stage, boots[0]?.diagnosis.code], [piId, 'ready', 'clock-wrong']);
    const again = { bakeformName: name, power: 'off' as const, keepPiConfig: true };
    const rebaking = await ok(202, api.POST('/api/v1/pis/{piId}/rebake', { params: { path: { piId } }, body: again }));
    assert.equal(rebaking.kind, 'rebake');
    await rest();
    const oldRoot = { path: { diskId: disks?.[0]?.id ?? '' } };
    await ok(200, api.DELETE('/api/v1/trash/{diskId}', { params: oldRoot }));
    const thisDisk = { path: { diskId: disk.id } };
    const named = await ok(200, api.PATCH('/api/v1/disks/{diskId}', { params: thisDisk, body: { name: 'data' } }));
    assert.deepEqual([named.name, named.attachedTo], ['data', piId]);
    const snapshots = '/api/v1/disks/{diskId}/snapshots';
    const kept = await ok(201, api.POST(snapshots, { params: thisDisk, body: { name: 'kept' } }));
    const snapshotId = kept.id;
    const page = await ok(200, api.GET(snapshots, { params: thisDisk }));
    assert.deepEqual(page.snapshots, [kept]);
    const both = { path: { piId, diskId: disk.id } };
    await ok(200, api.DELETE('/api/v1/oven/{piId}/disks/{diskId}', { params: both }));
    const one = { path: { diskId: disk.id } };
    await ok(202, api.POST('/api/v1/disks/{diskId}/grow', { params: one, body: { sizeMiB: 3 } }));
    await rest();
    await ok(202, api.POST('/api/v1/disks/{diskId}/restore', { params: one, body: { snapshot: snapshotId } }));
    await rest();
    const snapshot = { path: { snapshotId } };
    assert.equal((await ok(200, api.GET('/api/v1/snapshots/{snapshotId}', { params: snapshot }))).sizeMiB, 2);
    await ok(200, api.DELETE('/api/v1/snapshots/{snapshotId}', { params: snapshot }));
    assert.equal((await ok(200, api.GET('/api/v1/disks/{diskId}', { params: one }))).size, 3);
    assert.ok((await ok(200, api.GET('/api/v1/disks'))).disks[disk.id]);
    await ok(200, api.DELETE('/api/v1/disks/{diskId}', { params: one }));
    assert.deepEqual(
      (await ok(200, api.GET('/api/v1/trash'))).disks.map(({ id }) => id),
      [disk.id],
    );
    await ok(201, api.POST('/api/v1/trash/{diskId}/restore', { params: one }));
    await ok(200, api.DELETE('/api/v1/disks/{diskId}', { params: one }));
    await ok(200, api.DELETE('/api/v1/trash/{diskId}', { params: one }));
  });

  test('what needs a person: unbakes with a dead switch, one retried, one ended by a release', async () => {
    const api = client();
    const [retried = '', released = ''] = rack.serials;
    await api.GET('/api/v1/files/{piId}/{filename}', {
      params: { path: { piId: released, filename: 'start.elf' } },
      parseAs: 'text',
    });
    await ok(202, api.POST('/api/v1/fridge', { body: { bakeformName: 'tiny' } }));
    await rest();
    for (const piId of [retried, released]) {
      rack.broken.add(piId);
      await ok(200, api.DELETE('/api/v1/oven/{piId}', { params: { path: { piId } } }));
    }
    await rest();
    const query = { state: 'stuck' as const, pi: retried };
    const [stuck] = (await ok(200, api.GET('/api/v1/operations', { params: { query } }))).operations;
    const params = { path: { operationId: stuck?.id ?? '' } };
    assert.equal((await ok(200, api.GET('/api/v1/operations/{operationId}', { params }))).kind, 'unbake');
    rack.broken.clear();
    await ok(202, api.POST('/api/v1/operations/{operationId}/retry', { params }));
    await ok(
      202,
      api.POST('/api/v1/pis/{piId}/release', { params: { path: { piId: released } }, body: { isOff: true } }),
    );
    await rest();
    assert.deepEqual(Object.keys(await ok(200, api.GET('/api/v1/fridge'))), [retried, released]);
    await ok(200, api.DELETE('/api/v1/bakeforms/{name}', { params: { path: { name: 'tiny' } } }));
  });

  test('a Pi that is entered, named, switched and forgotten', async () => {
    const api = client();
    const id = rack.serials[3] ?? '';
    const one = { params: { path: { piId: 'spare' } } };
    await ok(201, api.POST('/api/v1/pis', { body: { id, name: 'spare', revision: 'c03111' } }));
    await ok(200, api.PATCH('/api/v1/pis/{piId}', { ...one, body: { tags: ['ci'], maintenance: true } }));
    const { pis } = await ok(200, api.GET('/api/v1/pis', { params: { query: { tag: ['ci'], maintenance: true } } }));
    assert.deepEqual(
      pis.map(({ name, model }) => [name, model]),
      [['spare', '4B']],
    );
    await ok(200, api.POST('/api/v1/pis/{piId}/admit', one));
    await ok(202, api.POST('/api/v1/pis/{piId}/power', { ...one, body: { action: 'on' } }));
    await rest();
    const power = { reach: 'port' as const, desired: 'on' as const };
    assert.deepEqual(await ok(200, api.GET('/api/v1/pis/{piId}/power', one)), power);
    await ok(200, api.POST('/api/v1/pis/{piId}/confirm-off', one));
    assert.deepEqual((await ok(200, api.GET('/api/v1/pis/{piId}', one))).power, power);
    const how = { atATime: 2, stopAtFirstFailure: true };
    const many = { action: 'power' as const, power: 'off' as const, select: { name: 'spare' }, ...how };
    const { id: operationId } = await ok(202, api.POST('/api/v1/bulk', { body: many }));
    await rest();
    const { results } = await ok(
      200,
      api.GET('/api/v1/operations/{operationId}', { params: { path: { operationId } } }),
    );
    assert.deepEqual(
      results?.map(({ pi, state }) => [pi, state]),
      [[id, 'done']],
    );
    await ok(200, api.DELETE('/api/v1/pis/{piId}', one));
  });

  test('a switch whose ports are found and given up again', async () => {
    const api = client();
    const id = rack.serials[2] ?? '';
    const mac = 'dc:a6:32:00:00:01';
    await ok(201, api.POST('/api/v1/pis', { body: { id, mac } }));
    toy.ports['2']?.macs.push(mac);
    const { kinds } = await ok(200, api.GET('/api/v1/switch-kinds'));
    const lab = kinds.find(({ name }) => name === 'lab');
    assert.deepEqual([lab?.secrets, lab?.settings.type], [['password', 'backupPassword'], 'object']);
    const settings = { url: toy.url, password: toy.password };
    const made = await ok(201, api.POST('/api/v1/switches', { body: { name: 'poe-a', kind: 'lab', settings } }));
    const params = { path: { name: 'poe-a' } };
    assert.deepEqual(await ok(200, api.GET('/api/v1/switches/{name}', { params })), made);
    assert.deepEqual((await ok(200, api.GET('/api/v1/switches'))).switches, [made]);
    const body = { notes: 'top of rack 1', settings: { timeoutMs: 900 } };
    await ok(200, api.PATCH('/api/v1/switches/{name}', { params, body }));
    assert.equal((await ok(200, api.POST('/api/v1/switches/{name}/test', { params, body: {} }))).ports, 2);
    const found = await ok(200, api.POST('/api/v1/switches/{name}/discover', { params, body: { apply: true } }));
    assert.deepEqual(found.pis.find(({ outcome }) => outcome === 'bound')?.pi, id);
    const { ports } = await ok(200, api.GET('/api/v1/switches/{name}/ports', { params }));
    assert.deepEqual(
      ports.map(({ port, pi }) => [port, pi]),
      [
        ['1', undefined],
        ['2', id],
      ],
    );
    await ok(200, api.DELETE('/api/v1/switches/{name}', { params: { ...params, query: { unbind: true } } }));
    await ok(200, api.DELETE('/api/v1/pis/{piId}', { params: { path: { piId: id } } }));
  });

  test('an upload that is cancelled', async () => {
    const api = client();
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    const upload = fetch(`${bakery.base}/bakeforms/slow`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bakery.token}` },
      body: body.readable,
      duplex: 'half',
    } as RequestInit);
    await writer.write(rack.image.subarray(0, 1000));
    const query = { kind: 'upload-bakeform', state: 'running' as const };
    let running: readonly { id: string }[] = [];
    while (running.length === 0) {
      running = (await ok(200, api.GET('/api/v1/operations', { params: { query } }))).operations;
    }
    const params = { path: { operationId: running[0]?.id ?? '' } };
    await ok(202, api.POST('/api/v1/operations/{operationId}/cancel', { params }));
    const answer = await upload;
    assert.equal(answer.status, 409);
    assert.equal(((await answer.json()) as { code: string }).code, 'cancelled');
    await writer.abort().catch(() => undefined);
    await rest();
  });

  test('what is seen from outside: events, webhooks, tokens, audit, litter, health', async () => {
    const api = client();
    const feed = await ok(200, api.GET('/api/v1/events', { params: { query: { format: 'json' } } }));
    assert.ok(feed);
    const stream = await api.GET('/api/v1/events', { parseAs: 'stream' });
    await stream.data?.cancel();
    const made = await ok(
      201,
      api.POST('/api/v1/webhooks', { body: { url: `${receiver.url}/told`, types: ['operation.*'] } }),
    );
    const params = { path: { webhookId: made.id } };
    assert.equal((await ok(200, api.GET('/api/v1/webhooks'))).webhooks.length, 1);
    assert.equal((await ok(200, api.GET('/api/v1/webhooks/{webhookId}', { params }))).url, `${receiver.url}/told`);
    assert.equal((await ok(200, api.POST('/api/v1/webhooks/{webhookId}/test', { params }))).delivered, true);
    await ok(200, api.DELETE('/api/v1/webhooks/{webhookId}', { params }));
    assert.ok((await ok(200, api.GET('/api/v1/audit'))).entries.length > 10);
    const token = await ok(201, api.POST('/api/v1/tokens', { body: { name: 'every-call', scope: 'viewer' } }));
    const byToken = { params: { path: { tokenId: token.id } } };
    const { secret: _, ...shown } = token;
    assert.deepEqual(await ok(200, api.GET('/api/v1/tokens/{tokenId}', byToken)), shown);
    assert.deepEqual((await ok(200, api.GET('/api/v1/tokens'))).tokens, [shown]);
    await ok(200, api.DELETE('/api/v1/tokens/{tokenId}', byToken));
    assert.equal((await ok(200, api.GET('/api/v1/whoami'))).scope, 'admin');
    assert.deepEqual((await ok(200, api.GET('/api/v1/litter'))).litter, []);
    const query = { mode: 'full', first: '127.0.0.10', last: '127.0.0.20' } as const;
    const file = await ok(200, api.GET('/api/v1/netboot/dnsmasq.conf', { params: { query }, parseAs: 'text' }));
    assert.match(String(file), /^dhcp-range=127\.0\.0\.10,127\.0\.0\.20,255\.0\.0\.0,24h$/m);
    const ofPi = { path: { piId: rack.serials[0] ?? '' }, query: { bytes: 13 } };
    const printed = await ok(200, api.GET('/api/v1/pis/{piId}/console', { params: ofPi, parseAs: 'text' }));
    assert.equal(printed, 'gin: pi\n', 'its end, without what a terminal would obey');
    await ok(200, api.GET('/healthz'));
    await ok(200, api.GET('/readyz'));
    assert.match(String(await ok(200, api.GET('/metrics', { parseAs: 'text' }))), /^bakery_/m);
  });

  test('no call of the document was left out', () => {
    assert.deepEqual(
      check.operations.filter((operation) => !succeeded.has(operation)),
      [],
    );
  });
});
