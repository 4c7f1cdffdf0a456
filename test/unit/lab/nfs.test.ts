import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ganeshaLayout, padded } from '../../lab/nfs/handles.ts';
import { decodeExports, decodeMount } from '../../lab/nfs/mount3.ts';
import { decodeAttributes, decodeEntries } from '../../lab/nfs/nfs3.ts';
import { decodeCompound, encodeCompound, Nfs4Refusal, op } from '../../lab/nfs/nfs4.ts';
import { nfsdFileSystems, nfsdLayout, nfsdOddities } from '../../lab/nfs/nfsd-handles.ts';
import { decodeReply, encodeCall, markRecord, RpcRefusal, takeRecords } from '../../lab/nfs/rpc.ts';
import { XdrError, XdrReader, XdrWriter } from '../../lab/nfs/xdr.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
/** A handle of a volume's root, from nfs-ganesha 4.3. */
const HANDLE = '430000011a43cfa5fcae5a2a44fe9ec4d084f5af778a01 0200000000000000';
/** xid 7, REPLY, accepted, no verifier, SUCCESS. */
const ACCEPTED = '00000007 00000001 00000000 00000000 00000000 00000000';
const resultsOf = (results: string) => decodeReply(hex(ACCEPTED + results)).results();

describe('XDR', () => {
  test('the example of RFC 4506 (§7) is written and read', () => {
    const bytes = new XdrWriter()
      .string('sillyprog')
      .uint32(2)
      .string('lisp')
      .string('john')
      .opaque(Buffer.from('(quit)'))
      .bytes();
    assert.deepEqual(
      bytes,
      hex(
        `00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000`,
      ),
    );
    const reader = new XdrReader(bytes);
    assert.equal(reader.string(), 'sillyprog');
    assert.equal(reader.uint32(), 2);
    assert.deepEqual([reader.string(), reader.string(), reader.string()], ['lisp', 'john', '(quit)']);
    reader.end();
  });

  test('what is cut short, too long or no boolean is an error', () => {
    const bytes = new XdrWriter().opaque(Buffer.alloc(5)).bytes();
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => new XdrReader(bytes.subarray(0, length)).opaque(), XdrError);
    }
    assert.throws(() => new XdrReader(bytes).opaque(4), XdrError);
    assert.throws(() => new XdrReader(hex('00000002')).bool(), XdrError);
    assert.throws(() => new XdrReader(bytes).end(), XdrError);
  });
});

describe('ONC RPC', () => {
  test('a call has the credentials of root', () => {
    const call = encodeCall({ xid: 7, program: 100_005, version: 3, procedure: 1 }, hex('01020304'));
    assert.deepEqual(
      call,
      hex(`00000007 00000000 00000002 000186a5 00000003 00000001
        00000001 00000018 00000000 00000002 70690000 00000000 00000000 00000000
        00000000 00000000 01020304`),
    );
    assert.deepEqual(markRecord(call).subarray(0, 4), hex('80000044'));
  });

  test('a record is put together of its fragments, wherever the bytes are cut', () => {
    const stream = hex('00000002 0102 80000001 03 80000002 0405 00000001 06');
    const whole: Buffer[] = [];
    let rest: Buffer = Buffer.alloc(0);
    for (const byte of stream) {
      const taken = takeRecords(Buffer.concat([rest, Buffer.from([byte])]));
      whole.push(...taken.records);
      rest = taken.rest;
    }
    assert.deepEqual(whole, [hex('010203'), hex('0405')]);
    assert.deepEqual(rest, hex('00000001 06'));
  });

  const refused = (words: string, reason: string) =>
    test(`${reason} is a refusal`, () => {
      assert.throws(
        () => decodeReply(hex(words)).results(),
        (error) => error instanceof RpcRefusal && error.reason === reason,
      );
    });
  refused('00000007 00000001 00000001 00000001 00000005', 'AUTH_TOOWEAK');
  refused('00000007 00000001 00000000 00000000 00000000 00000004', 'GARBAGE_ARGS');
  refused('00000007 00000000', 'NOT_A_REPLY');
});

describe('what nfs-ganesha 4.3 says', () => {
  test('MNT: a handle, or why not', () => {
    const given = decodeMount(resultsOf(`00000000 00000020 ${HANDLE}00 00000001 00000001`));
    assert.deepEqual(given, { handle: padded(hex(HANDLE)) });
    assert.deepEqual(decodeMount(resultsOf('0000000d')), { refused: 'MNT3ERR_ACCES' });
  });

  test('EXPORT: a path with its clients', () => {
    const line = `00000001 0000000a 2f6e66732f61613030310000 00000001 0000000d 31302e39392e302e31312f3332000000 00000000 00000000`;
    assert.deepEqual(decodeExports(resultsOf(line)), [{ path: '/nfs/aa001', groups: ['10.99.0.11/32'] }]);
  });

  const FOLDER = `00000002 000001ed 00000004 00000000 00000000 00000000 00000400 00000000 00000400 00000000 00000000
    00000001 00000001 00000000 00000002 6b0ad6f4 00000000 6b0ad6f5 154eafe7 6b0ad6f5 154eafe7`;
  test('GETATTR and READDIRPLUS', () => {
    const attributes = { type: 2, mode: 0o755, size: 1024n, fsid: 0x100000001n, fileid: 2n };
    assert.deepEqual(decodeAttributes(resultsOf(FOLDER)), attributes);
    const entry = `00000001 00000000 00000002 00000002 2e2e0000 00000000 00000002 00000001 ${FOLDER} 00000001 00000020 ${HANDLE}00`;
    const listed = decodeEntries(resultsOf(`00000001 ${FOLDER} 0000000000000000 ${entry} 00000000 00000001`));
    assert.deepEqual(listed, [{ name: '..', fileid: 2n, handle: padded(hex(HANDLE)) }]);
  });

  test('a compound: attributes, names, and where it stopped', () => {
    const ask = [op.putfh(hex(HANDLE)), op.getattr()];
    const put = '00000016 00000000';
    const attributes = `00000009 00000000 00000001 00100112 00000024 00000002 00000000 00000400
      00000000 00000001 00000000 00000001 00000000 00000002`;
    const found = decodeCompound(resultsOf(`00000000 00000000 00000002 ${put} ${attributes}`), ask);
    assert.deepEqual(found.at(-1), { type: 2, size: 1024n, fsid: '1.1', fileid: 2n });

    const entry = `00000001 46097aed f2f3e47f 0000000a 6c6f7374 2b666f75 6e640000 00000001 00180902 00000044 00000002
      00000000 00000001 00000000 00000001 00000000 0000001f ${HANDLE}00 00000000 0000000b`;
    const names = decodeCompound(
      resultsOf(`00000000 00000000 00000002 ${put} 0000001a 00000000 0000000000000000 ${entry} 00000000 00000001`),
      [op.putfh(hex(HANDLE)), op.readdir()],
    );
    const lost = { type: 2, fsid: '1.1', error: 0, handle: hex(HANDLE), fileid: 11n };
    assert.deepEqual(names.at(-1), [{ name: 'lost+found', attributes: lost }]);

    assert.throws(
      () => decodeCompound(resultsOf('0000000d 00000000 00000001 00000016 0000000d'), ask),
      (error) => error instanceof Nfs4Refusal && error.reason === 'NFS4ERR_ACCESS' && error.at === 22,
    );
  });

  test('a compound is asked for with no tag and minor version 0', () => {
    assert.deepEqual(
      encodeCompound([op.putrootfh(), op.lookup('tmp'), op.getfh()]),
      hex('00000000 00000000 00000003 00000018 0000000f 00000003 746d7000 0000000a'),
    );
  });

  test('a handle is export, file system, inode and generation, and is put together again', () => {
    const parts = ganeshaLayout.parse(padded(hex(HANDLE)));
    assert.deepEqual(parts, {
      exportId: 1,
      fileSystem: hex('43cfa5fcae5a2a44fe9ec4d084f5af778a'),
      type: 1,
      inode: 2,
      generation: 0,
      rest: Buffer.alloc(0),
    });
    assert.deepEqual(ganeshaLayout.build(parts), hex(HANDLE));
    const other = { ...parts, exportId: 65_535, inode: 0xffff_fffe, generation: 0x8000_0001, rest: hex('07000000') };
    assert.deepEqual(ganeshaLayout.parse(ganeshaLayout.build(other)), other);
    for (const bytes of ['', '41', '4300000100', `44${HANDLE.slice(2)}`]) {
      assert.throws(() => ganeshaLayout.parse(hex(bytes)), /no handle/);
    }
  });
});

describe('what the kernel’s server says', () => {
  test('a handle of nfsd is file system, inode and generation, and of the exported folder the file system alone', () => {
    const fsid = '42616b6572798e4680000000 00000001'.replace(' ', '');
    const root = hex(`01000600 ${fsid}`);
    const parts = nfsdLayout.parse(root);
    assert.deepEqual(parts, {
      fileSystem: hex(`06 ${fsid}`),
      type: 0,
      inode: 2,
      generation: 0,
      rest: Buffer.alloc(0),
    });
    assert.deepEqual(nfsdLayout.build(parts), root);
    const file = hex(`01000601 ${fsid} 0d000000 78563412`);
    assert.deepEqual(nfsdLayout.parse(file), { ...parts, type: 1, inode: 13, generation: 0x1234_5678 });
    assert.deepEqual(nfsdLayout.build(nfsdLayout.parse(file)), file);
    for (const bytes of [
      '',
      '010006',
      '02000600',
      `01000600 ${fsid} 00000000`,
      `01000601 ${fsid} 0d000000`,
      '01000900',
    ]) {
      assert.throws(() => nfsdLayout.parse(hex(bytes)), /no handle/);
    }
    for (const odd of nfsdOddities(file)) assert.notDeepEqual(odd, file);
  });

  test('file systems are named by device, number and UUID, each as long as nfsd has it', () => {
    const uuid = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
    const named = nfsdFileSystems({ major: 7, minor: 259, inode: 12, uuid });
    assert.deepEqual(
      named.slice(0, 4).map((name) => name.toString('hex')),
      ['00000701030c000000', '0200000007000001030c000000', '03030710000c000000', '0100000000'],
    );
    assert.deepEqual(
      named.slice(4).map((name) => name.toString('hex')),
      [
        '040c00000000000000',
        '050808080808080808',
        `06${uuid.toString('hex')}`,
        `070c00000000000000${uuid.toString('hex')}`,
      ],
    );
    assert.equal(nfsdFileSystems({ major: 0, minor: 5, inode: 1 }).length, 4);
  });
});
